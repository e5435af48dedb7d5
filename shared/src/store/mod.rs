//! The table: everything the connector remembers. Each write is safe to repeat, and none of an older run undoes one of a
//! newer: what belongs to a run is written only while its lease is the connection's.

mod alert_settings;
mod alerts;
mod api_tokens;
mod batch;
mod binding_rows;
mod binding_writes;
mod bindings;
mod client;
mod connection_secrets;
mod connections;
mod console_access;
mod contact_bindings;
mod cookie_keys;
mod cursors;
mod definition;
mod delegated_grant;
mod due;
mod error;
mod group_bindings;
mod group_names;
mod item;
mod keys;
mod lease;
mod login_attempts;
mod mailbox_memories;
mod on_pbx;
mod packed;
mod paging;
mod patience;
mod pbx_tokens;
mod pending;
mod presence_choices;
mod presence_pack;
mod presence_people;
mod presence_work;
mod records;
mod run_queue;
mod runs;
mod secret_care;
mod sessions;
mod settings;
mod shown_phonebooks;
mod sso_codes;
mod state_row;
mod teardown;
mod waiting_certificate;
mod watch;
mod webhook_key;
mod whole_connection;
mod work;
mod write;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;

pub use alert_settings::{AlertSecrets, OLD_SECRET_LIVES};
pub use api_tokens::ApiToken;
pub use binding_writes::Reserve;
pub use bindings::Found;
pub use client::{aws_config, client, local_client};
pub use connections::CreateOutcome;
pub use contact_bindings::OwnContacts;
pub use cursors::StoredCursor;
pub use definition::{TableDefinition, create_table, table_definition};
pub use delegated_grant::StoredGrant;
pub use due::{Due, DueWork};
pub use error::{Cause, StoreError};
pub use lease::{Finish, GoodRun, Lease, RunOutcome};
pub use login_attempts::{LoginAttempt, Purpose};
pub use mailbox_memories::KnownPurposes;
pub use paging::Page;
pub use pbx_tokens::StoredPbxTokens;
pub use pending::{Haste, Noted, Pending, Settled};
pub use presence_people::{PEOPLE_AN_ITEM, People, Standings};
pub(crate) use presence_work::later;
pub use presence_work::{
    PollCounts, PollHolder, PollReport, PresenceProblem, PresenceWork, ProblemKind, Roster, SILENCE,
};
pub use secret_care::SecretCare;
pub use sessions::{Holder, Session};
pub use sso_codes::{Redeemed, SsoCode};
pub use watch::{Subscription, Watch};
pub use whole_connection::WholeConnection;
pub use work::{LeaseInfo, ManagedCounts, WorkState};

use crate::clock::SystemClock;
use crate::ports::Clock;
use crate::secrets::Sealer;

/// The table of one install. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    table: String,
    sealer: Arc<dyn Sealer>,
    clock: Arc<dyn Clock>,
}

/// Counts the writes of a thing; a writer names the one it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// Of a thing just made.
    pub const FIRST: Self = Self(1);

    /// Of the write after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A thing as it was read, and which write of it that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The thing.
    pub value: T,
    /// Which write of it.
    pub version: Version,
}

/// Somebody wrote since: read again and decide again. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stale;

impl Store {
    /// On a table that exists, with a sealer for what must not be read there.
    pub fn new(client: Client, table: impl Into<String>, sealer: Arc<dyn Sealer>) -> Self {
        Self::with_clock(client, table, sealer, Arc::new(SystemClock))
    }

    /// As [`Store::new`], waiting and dating by this clock.
    pub fn with_clock(
        client: Client,
        table: impl Into<String>,
        sealer: Arc<dyn Sealer>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let inner = Inner {
            client,
            table: table.into(),
            sealer,
            clock,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    fn client(&self) -> &Client {
        &self.inner.client
    }

    fn table(&self) -> &str {
        &self.inner.table
    }

    fn sealer(&self) -> &dyn Sealer {
        self.inner.sealer.as_ref()
    }

    fn clock(&self) -> &dyn Clock {
        self.inner.clock.as_ref()
    }
}
