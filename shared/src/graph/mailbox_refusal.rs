//! What a refusal means for one mailbox. Only what concerns everybody ends the reading of the others.

use reqwest::StatusCode;

use super::error::{Failure, Refusal};
use crate::domain::mailbox::Unreadable;
use crate::ports::{DirectoryError, MailboxError};

/// The permission that reading contacts needs.
pub(super) const PERMISSION: &str = "Contacts.Read";

/// Codes of an account that is not there, in lower case.
const NO_ACCOUNT: [&str; 3] = ["errorinvaliduser", "request_resourcenotfound", "resourcenotfound"];
/// The code of an account without a mailbox that can be asked, in lower case.
const NO_MAILBOX: [&str; 1] = ["mailboxnotenabledforrestapi"];

/// The error of a mailbox.
pub(super) fn mailbox_error(failure: Failure, doing: &str) -> MailboxError {
    match failure {
        Failure::Refused(refusal) if refusal.status == StatusCode::UNAUTHORIZED => {
            MailboxError::Directory(Failure::Refused(refusal).into_error(doing, PERMISSION))
        }
        Failure::Refused(refusal) => MailboxError::Unreadable {
            why: why(&refusal),
            detail: refusal.words(),
        },
        Failure::Directory(
            error @ (DirectoryError::Unavailable { .. } | DirectoryError::Unexpected { .. }),
        ) => MailboxError::Unreadable {
            why: Unreadable::Unavailable,
            detail: error.to_string(),
        },
        Failure::Directory(error) => MailboxError::Directory(error),
    }
}

fn why(refusal: &Refusal) -> Unreadable {
    match refusal.status {
        StatusCode::NOT_FOUND if refusal.has_code(&NO_MAILBOX) => Unreadable::NoMailbox,
        StatusCode::NOT_FOUND if refusal.has_code(&NO_ACCOUNT) => Unreadable::NoAccount,
        // A folder that is not shared is not found.
        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Unreadable::Denied,
        _ => Unreadable::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart_by_status_and_code() {
        let rows = [
            (404, "MailboxNotEnabledForRESTAPI", Unreadable::NoMailbox),
            (404, "ErrorInvalidUser", Unreadable::NoAccount),
            (404, "Request_ResourceNotFound", Unreadable::NoAccount),
            (404, "ErrorItemNotFound", Unreadable::Denied),
            (403, "ErrorAccessDenied", Unreadable::Denied),
            (403, "Authorization_RequestDenied", Unreadable::Denied),
            (400, "ErrorInvalidUrlQuery", Unreadable::Unavailable),
        ];
        for (status, code, expected) in rows {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"secret"}}}}"#);
            let refusal = Refusal::new(StatusCode::from_u16(status).unwrap(), "7f", body.as_bytes());
            match mailbox_error(Failure::Refused(refusal), "reading") {
                MailboxError::Unreadable { why, detail } => {
                    assert_eq!(why, expected, "{code}");
                    assert!(detail.contains(code) && !detail.contains("secret"), "{detail}");
                }
                MailboxError::Directory(error) => panic!("{error}"),
            }
        }
        let lost = Failure::Refused(Refusal::new(StatusCode::UNAUTHORIZED, "7f", b""));
        assert!(matches!(
            mailbox_error(lost, "reading"),
            MailboxError::Directory(_)
        ));
    }
}
