//! Why the table did not do it. Causes are reduced to code, sentence and request id: the SDK's own errors carry items.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId as _;

use crate::domain::ids::{ConnectionId, EntraUserId};
use crate::secrets::SealError;

/// Why the table did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The table could not be asked, or refused, beyond the patience of the client. It may or may not have been done;
    /// every call of this module may be repeated.
    #[error("the table is not available: {doing}")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// What was read is no longer so: the lease went to another, or somebody else wrote first. Nothing was written.
    #[error("somebody else was first: {doing}")]
    Conflict {
        /// What was being done.
        doing: &'static str,
    },
    /// There is no such connection or run. Nothing was written.
    #[error("it does not exist: {doing}")]
    Missing {
        /// What was being done.
        doing: &'static str,
    },
    /// The PBX is in another connection. Nothing was written.
    #[error("the PBX belongs to connection {connection}")]
    PbxInUse {
        /// Which.
        connection: ConnectionId,
    },
    /// The number is held by another person. Nothing was written.
    #[error("the extension number is held by {holder}")]
    NumberTaken {
        /// Who holds it.
        holder: EntraUserId,
    },
    /// The cursor of a list was not made by this list.
    #[error("the cursor is not one of this list's")]
    BadCursor,
    /// A stored value is not what this product writes. Repeating changes nothing.
    #[error("the table holds an unreadable {what}")]
    Corrupt {
        /// What was being read.
        what: &'static str,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// A secret could not be sealed or opened.
    #[error("a secret of the table cannot be used: {doing}")]
    Sealing {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        #[source]
        source: SealError,
    },
}

/// A cause in words, without any stored value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Cause(pub(super) String);

impl Cause {
    /// Of a call to the table.
    pub(super) fn of_call<E, R>(error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
        SdkError<E, R>: aws_sdk_dynamodb::operation::RequestId,
    {
        let Some(refusal) = error.as_service_error() else {
            return Self(chain(error.source_text(), error));
        };
        let code = refusal.code().unwrap_or("no code");
        let message = refusal.message().unwrap_or("no message");
        let request = error.request_id().unwrap_or("none");
        Self(format!("{code}: {message} (request {request})"))
    }
}

trait SourceText {
    fn source_text(&self) -> &'static str;
}

impl<E, R> SourceText for SdkError<E, R> {
    fn source_text(&self) -> &'static str {
        match self {
            Self::ConstructionFailure(_) => "the request could not be built",
            Self::TimeoutError(_) => "no answer in time",
            Self::DispatchFailure(_) => "the request could not be sent",
            Self::ResponseError(_) => "the answer could not be read",
            _ => "the call failed",
        }
    }
}

fn chain<E, R>(what: &str, error: &SdkError<E, R>) -> String
where
    SdkError<E, R>: std::error::Error,
{
    let mut text = what.to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Turns a failed call into [`StoreError::Unavailable`].
pub(super) fn unavailable<E, R>(doing: &'static str) -> impl FnOnce(SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
    SdkError<E, R>: aws_sdk_dynamodb::operation::RequestId + std::error::Error,
{
    move |error| StoreError::Unavailable {
        doing,
        source: Cause::of_call(&error),
    }
}

/// Turns an unreadable value into [`StoreError::Corrupt`]. The cause's words name fields and types, not values.
pub(super) fn corrupt<E: std::error::Error>(what: &'static str) -> impl FnOnce(E) -> StoreError {
    move |error| StoreError::Corrupt {
        what,
        source: Cause(error.to_string()),
    }
}
