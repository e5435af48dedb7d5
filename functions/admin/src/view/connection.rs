//! A connection as its admins see it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use shared::domain::connection::{AuthorisedAccount, Capabilities, Connection, ConnectionStatus};
use shared::domain::ids::{ClientId, ConnectionId, EntraUserId, SyncRunId, TenantId};
use shared::domain::part::Part;
use shared::domain::secret_warning::SecretWarning;
use shared::domain::sync_run::{RunState, SyncPart, SyncRun};
use shared::domain::teardown::{Removal, TeardownEnd};
use shared::store::{StoreError, WorkState};

use super::notifications::NotificationsView;
use super::presence::PresenceView;
use super::sync_run::SyncRunView;
use crate::AdminState;

/// Whether a connection works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The app has not been given its permissions.
    AwaitingConsent,
    /// Works.
    Connected,
    /// Switched off by an admin.
    Disabled,
    /// Ended by an admin.
    Disconnected,
    /// Stopped until somebody acts.
    NeedsAttention,
}

impl Status {
    /// The status and what to do about it.
    pub fn of(status: &ConnectionStatus) -> (Self, Option<String>) {
        match status {
            ConnectionStatus::AwaitingConsent { reason } => (Self::AwaitingConsent, Some(reason.clone())),
            ConnectionStatus::Connected => (Self::Connected, None),
            ConnectionStatus::Disabled => (Self::Disabled, None),
            ConnectionStatus::Disconnected => (Self::Disconnected, None),
            ConnectionStatus::NeedsAttention { reason, .. } => (Self::NeedsAttention, Some(reason.clone())),
        }
    }
}

/// A connection.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ConnectionView {
    id: ConnectionId,
    name: String,
    status: Status,
    /// What to do, where the status asks for something.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<String>,
    tenant_id: TenantId,
    client_id: ClientId,
    pbx: PbxView,
    /// Register it with the app, for the admin's consent.
    redirect_uri: String,
    /// Register it with the app, for people's sign-in.
    sso_redirect_uri: String,
    /// Removals that an admin asked for and that are not done yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    teardown: Option<TeardownView>,
    /// Who signed in to connect, last.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorised_account: Option<AuthorisedAccountView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    secret_expires_at: Option<Timestamp>,
    /// From sixty days before the end of the app's secret or certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_warning: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_run: Option<SyncRunView>,
    /// When the schedule starts a run next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    next_run_at: Option<Timestamp>,
    /// Distinct objects that changed in the directory and are not in step yet.
    pending_changes: u64,
    notifications: NotificationsView,
    presence: PresenceView,
    counts: ManagedCountsView,
    /// Parts that the last run could not do while it did others, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    problems: BTreeMap<SyncPart, String>,
}

/// The PBX of a connection, without its credentials.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PbxView {
    base_url: String,
    firmware_version: String,
    serial_number: String,
    capabilities: Capabilities,
}

/// Removals that an admin asked for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TeardownView {
    /// How the connection stands once they are done.
    ends: TeardownEnd,
    /// What becomes of the objects of which parts.
    parts: BTreeMap<Part, Removal>,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// The run whose removals wait for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_run: Option<SyncRunId>,
}

/// An admin who signed in to connect.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AuthorisedAccountView {
    object_id: EntraUserId,
    name: String,
    user_principal_name: String,
    #[schema(value_type = String, format = DateTime)]
    signed_in_at: Timestamp,
}

impl AuthorisedAccountView {
    fn of(account: AuthorisedAccount) -> Self {
        Self {
            object_id: account.user,
            name: account.name,
            user_principal_name: account.sign_in_name,
            signed_in_at: account.at,
        }
    }
}

/// How many objects are managed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ManagedCountsView {
    extensions: u64,
    groups: u64,
    contacts: u64,
}

/// What goes on between runs.
struct BetweenRuns {
    pending_changes: u64,
    notifications: NotificationsView,
    presence: PresenceView,
}

impl ConnectionView {
    /// Adds to a connection what its work state says.
    pub async fn load(state: &AdminState, connection: Connection) -> Result<Self, StoreError> {
        let store = &state.engine.store;
        let work = store.work_state(connection.id).await?.unwrap_or_default();
        let last_run = match work.running_run.or(work.last_run) {
            Some(run) => store.run(connection.id, run).await?,
            None => None,
        };
        let pending = store.pending(connection.id).await?;
        let watch = store.watch(connection.id).await?.map(|watch| watch.value);
        let presence = store.presence_work(connection.id).await?.map(|work| work.value);
        let following = BetweenRuns {
            pending_changes: pending.count(),
            notifications: NotificationsView::of(watch.as_ref()),
            presence: PresenceView::of(presence.as_ref(), state.engine.clock.now()),
        };
        Ok(Self::new(state, connection, &work, last_run.as_ref(), following))
    }

    fn new(
        state: &AdminState,
        connection: Connection,
        work: &WorkState,
        last_run: Option<&SyncRun>,
        following: BetweenRuns,
    ) -> Self {
        let (status, mut status_reason) = Status::of(&connection.status);
        if connection.is_being_disconnected() {
            status_reason = Some("being disconnected: a run deletes or lets go what was bound".to_owned());
        }
        let now = state.engine.clock.now();
        let ends_at = connection.secret_expires_at;
        let warning = ends_at.and_then(|end| SecretWarning::reached(end, now));
        let next_run_at = work.next_scheduled_at.filter(|_| connection.status.may_run());
        Self {
            id: connection.id,
            name: connection.name,
            status,
            status_reason,
            tenant_id: connection.tenant,
            client_id: connection.client,
            pbx: PbxView {
                base_url: connection.pbx.base_url,
                firmware_version: connection.pbx.firmware_version,
                serial_number: connection.pbx.serial_number,
                capabilities: connection.pbx.capabilities,
            },
            redirect_uri: state.redirect_uri(),
            sso_redirect_uri: state.sso_redirect_uri(),
            teardown: connection.teardown.map(|teardown| TeardownView {
                ends: teardown.ends,
                parts: teardown.parts,
                since: teardown.since,
                held_run: work
                    .held_run
                    .filter(|_| last_run.is_some_and(|run| run.state == RunState::Held)),
            }),
            authorised_account: connection.authorised_account.map(AuthorisedAccountView::of),
            secret_expires_at: connection.secret_expires_at,
            secret_warning: warning.map(|warning| warning.sentence(now)),
            created_at: connection.created_at,
            last_run: last_run.map(SyncRunView::of),
            next_run_at,
            pending_changes: following.pending_changes,
            notifications: following.notifications,
            presence: following.presence,
            counts: ManagedCountsView {
                extensions: work.counts.extensions,
                groups: work.counts.groups,
                contacts: work.counts.contacts,
            },
            problems: work.problems.clone(),
        }
    }
}
