//! How long the store goes on by itself when the table says "not now": a bounded number of tries with growing, random
//! waits on the injected clock. The SDK repeats what never reached the table; this repeats what the table put off.

use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use rand::RngExt as _;

use super::Store;

/// Eight writers of one run and a heartbeat meet on the work state; ten tries of up to a second outlast any such crowd.
const TRIES: u32 = 10;
const FIRST_WAIT_MS: u64 = 20;
const LONGEST_WAIT_MS: u64 = 1_000;

/// Counts the tries of one call.
#[derive(Default)]
pub(super) struct Patience {
    tried: u32,
}

impl Patience {
    /// Waits before the next try; `false` when it is time to give up.
    pub(super) async fn wait(&mut self, store: &Store) -> bool {
        self.tried += 1;
        if self.tried >= TRIES {
            return false;
        }
        let most = FIRST_WAIT_MS.saturating_mul(1 << self.tried).min(LONGEST_WAIT_MS);
        let wait = rand::rng().random_range(1..=most);
        store.clock().sleep(Duration::from_millis(wait)).await;
        true
    }
}

/// Whether another try may fare better without anything having changed.
pub(super) trait Passing {
    /// See the trait.
    fn is_passing(&self) -> bool;
}

fn passing_code(code: &str) -> bool {
    matches!(
        code,
        "TransactionConflictException"
            | "TransactionConflict"
            | "TransactionInProgressException"
            | "ProvisionedThroughputExceededException"
            | "ProvisionedThroughputExceeded"
            | "ThrottlingException"
            | "ThrottlingError"
            | "RequestLimitExceeded"
    )
}

impl Passing for TransactWriteItemsError {
    fn is_passing(&self) -> bool {
        let Self::TransactionCanceledException(cancelled) = self else {
            return self.code().is_some_and(passing_code);
        };
        let codes = || cancelled.cancellation_reasons().iter().filter_map(|r| r.code());
        // A failed condition decides, whatever else went wrong beside it.
        codes().any(passing_code) && !codes().any(|code| code == "ConditionalCheckFailed")
    }
}

macro_rules! passing_by_code {
    ($($error:ty),* $(,)?) => { $(
        impl Passing for $error {
            fn is_passing(&self) -> bool {
                self.code().is_some_and(passing_code)
            }
        }
    )* };
}

passing_by_code!(
    aws_sdk_dynamodb::operation::get_item::GetItemError,
    aws_sdk_dynamodb::operation::query::QueryError,
    aws_sdk_dynamodb::operation::put_item::PutItemError,
    aws_sdk_dynamodb::operation::update_item::UpdateItemError,
    aws_sdk_dynamodb::operation::delete_item::DeleteItemError,
    aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemError,
    aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemError,
);

impl Store {
    /// The first answer that is not "not now".
    pub(super) async fn patiently<T, E, R, F>(&self, mut call: impl FnMut() -> F) -> Result<T, SdkError<E, R>>
    where
        E: Passing,
        F: Future<Output = Result<T, SdkError<E, R>>>,
    {
        let mut patience = Patience::default();
        loop {
            let answer = call().await;
            let passing =
                matches!(&answer, Err(error) if error.as_service_error().is_some_and(Passing::is_passing));
            if !passing || !patience.wait(self).await {
                return answer;
            }
        }
    }
}
