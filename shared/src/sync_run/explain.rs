//! Why one person has the extension they have, or none: every rule in turn, the first deciding one named.
//! Reads, never writes.

use jiff::Timestamp;

use crate::domain::binding::Binding;
use crate::domain::change::Changes;
use crate::domain::entra_user::EntraUser;
use crate::domain::ids::ConnectionId;
use crate::domain::operation_record::{OperationRecord, OutcomeKind};
use crate::domain::settings::ConnectionSettings;
use crate::domain::sync_run::{RunMode, RunRequest, SyncRun, Trigger};
use crate::plan::check::{Checked, check};
use crate::plan::operation::Operation;
use crate::plan::plan;
use crate::plan::snapshot::Policy;
use crate::ports::{DirectoryError, SideError, UserQuery};
use crate::store::StoreError;

use super::Engine;
use super::collect::Task;
use super::collect_error::CollectError;
pub use super::explain_rules::RuleResult;
use super::explain_rules::rules;
use super::group_news::GroupNews;
use super::one_person::{OnePerson, collect_one};
use super::outcome::{Stamp, record, skip_record};

/// One person, explained.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// As the directory says.
    pub user: EntraUser,
    /// Every rule in the order it is applied.
    pub rules: Vec<RuleResult>,
    /// The binding, if there is one.
    pub binding: Option<Binding>,
    /// What a run would do now, or why it would do nothing; `None` if the person is in step.
    pub would: Option<OperationRecord>,
    /// The last thing that went wrong with this person.
    pub last_error: Option<OperationRecord>,
}

/// Why nothing could be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// A side or the table could not be read.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The connection's settings make no client.
    #[error(transparent)]
    Sides(#[from] SideError),
    /// There is no such connection, or its secrets are gone.
    #[error("there is no such connection")]
    NoSuchConnection,
}

/// Explains the person with this object id or user principal name; `None` if the directory has nobody of that name.
pub async fn explain(
    engine: &Engine,
    connection: ConnectionId,
    id_or_upn: &str,
) -> Result<Option<Explanation>, ExplainError> {
    let stored = engine
        .store
        .connection(connection)
        .await?
        .ok_or(ExplainError::NoSuchConnection)?;
    let secrets = engine
        .store
        .secrets(connection)
        .await?
        .ok_or(ExplainError::NoSuchConnection)?;
    let settings = engine
        .store
        .settings(connection)
        .await?
        .map(|stored| stored.value)
        .unwrap_or_default();
    let sides = engine.sides.sides(&stored.value, &secrets)?;
    let query = UserQuery {
        number_property: settings.users.number.property().map(str::to_owned),
    };
    let Some(user) = sides.directory.lookup_user(id_or_upn, &query).await? else {
        return Ok(None);
    };
    let request = RunRequest {
        trigger: Trigger::Manual,
        mode: RunMode::Delta,
        dry_run: true,
        user: Some(user.id),
    };
    let task = Task {
        connection,
        request: &request,
        users: &settings.users,
        fingerprint: settings.rules_fingerprint(),
        pending: &Changes::default(),
        news: &GroupNews::default(),
        store: &engine.store,
        sides: &sides,
        removal: None,
    };
    let OnePerson { mut world, alone } = collect_one(&task, user.clone()).await?;
    let policy = policy(&settings, engine.clock.now());
    let mut checked = check(plan(&world, &policy), &world, &policy);
    if !alone || removes(&checked) {
        // Whether they fit, and whether a removal waits for a person's word, is measured by everybody's.
        if alone {
            world.bindings = engine.store.bindings(connection).await?;
        }
        world.phone_system.capacity = sides.phone_system.capacity().await.map_err(CollectError::from)?;
        checked = check(plan(&world, &policy), &world, &policy);
    }
    let stamp = Stamp {
        at: policy.now,
        run: SyncRun::queued(connection, request, policy.now).id,
    };
    let operation = checked
        .plan
        .operations
        .iter()
        .chain(&checked.held)
        .find(|op| op.user == user.id);
    let skip = checked
        .plan
        .skipped
        .iter()
        .chain(&checked.plan.remarks)
        .find(|skipped| skipped.user == user.id);
    let outlook = operation
        .map(|operation| record(operation, OutcomeKind::DryRun, stamp))
        .or_else(|| skip.map(|skipped| skip_record(skipped, stamp)));
    Ok(Some(Explanation {
        rules: rules(
            &user,
            world.bindings.get(&user.id),
            &world.directory,
            &settings.users,
        ),
        binding: world.bindings.get(&user.id).cloned(),
        last_error: last_error(engine, connection, &user).await?,
        would: outlook,
        user,
    }))
}

fn removes(checked: &Checked) -> bool {
    let operations = checked.plan.operations.iter().chain(&checked.held);
    operations.into_iter().any(Operation::is_removal)
}

fn policy(settings: &ConnectionSettings, now: Timestamp) -> Policy {
    Policy {
        removal: None,
        users: settings.users.clone(),
        safety: settings.safety.clone(),
        now,
        last_good_managed: None,
    }
}

async fn last_error(
    engine: &Engine,
    connection: ConnectionId,
    user: &EntraUser,
) -> Result<Option<OperationRecord>, StoreError> {
    let all = (Timestamp::MIN, Timestamp::MAX);
    let page = engine
        .store
        .history(connection, &user.id.to_string(), all.0, all.1, 50, None)
        .await?;
    Ok(page
        .items
        .into_iter()
        .filter(|record| record.outcome == OutcomeKind::Failed)
        .max_by_key(|record| record.at))
}
