//! Why one person has the extension they have, or none: every rule in turn, the first deciding one named.
//! Reads, never writes.

use jiff::Timestamp;

use crate::domain::binding::Binding;
use crate::domain::change::Changes;
use crate::domain::entra_user::EntraUser;
use crate::domain::ids::ConnectionId;
use crate::domain::operation_record::{OperationRecord, OutcomeKind};
use crate::domain::settings::{ConnectionSettings, DeleteWhen, NumberRule, ScopeKind, UserSettings};
use crate::domain::sync_run::{RunMode, RunRequest, SyncRun, Trigger};
use crate::plan::check::check;
use crate::plan::plan;
use crate::plan::snapshot::{DirectorySnapshot, Policy};
use crate::ports::{DirectoryError, SideError, UserQuery};
use crate::store::StoreError;

use super::Engine;
use super::collect::{CollectError, Task, collect};
use super::group_news::GroupNews;
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

/// One rule applied to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleResult {
    /// Its name, a stable code.
    pub rule: &'static str,
    /// Whether it speaks for an extension.
    pub passed: bool,
    /// Whether it is the first that speaks against one.
    pub deciding: bool,
    /// What it looked at, to a person.
    pub detail: String,
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
    let mut world = collect(&task).await?.world;
    world.phone_system.capacity = sides.phone_system.capacity().await.map_err(CollectError::from)?;
    let policy = policy(&settings, engine.clock.now());
    let checked = check(plan(&world, &policy), &world, &policy);
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

fn rules(
    user: &EntraUser,
    binding: Option<&Binding>,
    directory: &DirectorySnapshot,
    settings: &UserSettings,
) -> Vec<RuleResult> {
    let checks = [
        ("users_enabled", settings.enabled, on_off(settings.enabled)),
        account(user, settings),
        scope(user, directory, settings),
        exclusion(user, directory),
        address(user),
        number(user, binding, settings),
    ];
    let mut decided = false;
    let mut results = Vec::new();
    for (rule, passed, detail) in checks {
        // Without an address the extension is made all the same.
        let deciding = !passed && !decided && rule != "address";
        decided |= deciding;
        results.push(RuleResult {
            rule,
            passed,
            deciding,
            detail,
        });
    }
    results
}

type Check = (&'static str, bool, String);

fn on_off(on: bool) -> String {
    (if on { "user sync is on" } else { "user sync is off" }).to_owned()
}

fn account(user: &EntraUser, settings: &UserSettings) -> Check {
    let counts = settings.scope.only_enabled || settings.delete_when.contains(&DeleteWhen::Disabled);
    let detail = match (user.account_enabled, counts) {
        (true, _) => "the account is enabled",
        (false, true) => "the account is disabled",
        (false, false) => "the account is disabled, which these settings do not mind",
    };
    ("account", user.account_enabled || !counts, detail.to_owned())
}

fn scope(user: &EntraUser, directory: &DirectorySnapshot, settings: &UserSettings) -> Check {
    let (passed, detail) = match settings.scope.kind {
        ScopeKind::All => (true, "everyone is chosen".to_owned()),
        ScopeKind::Types => {
            let chosen = settings.scope.types.contains(&user.user_type);
            (
                chosen,
                format!("the user type is {:?}", user.user_type).to_lowercase(),
            )
        }
        ScopeKind::Groups => {
            let member = directory.scope_members.contains(&user.id);
            let detail = if member {
                "in a chosen group"
            } else {
                "in none of the chosen groups"
            };
            (member, detail.to_owned())
        }
    };
    ("scope", passed, detail)
}

fn exclusion(user: &EntraUser, directory: &DirectorySnapshot) -> Check {
    let excluded = directory.excluded_members.contains(&user.id);
    let detail = if excluded {
        "in an excluded group"
    } else {
        "in no excluded group"
    };
    ("exclusion", !excluded, detail.to_owned())
}

fn address(user: &EntraUser) -> Check {
    match crate::domain::mapping::address_key(user) {
        Some(_) => ("address", true, "has an address the PBX takes".to_owned()),
        None => (
            "address",
            false,
            "has no address the PBX takes; the extension gets none".to_owned(),
        ),
    }
}

fn number(user: &EntraUser, binding: Option<&Binding>, settings: &UserSettings) -> Check {
    use crate::domain::mapping::{PropertyNumber, number_from_property};
    if let Some(binding) = binding {
        return ("number", true, format!("has the number {}", binding.number));
    }
    match &settings.number {
        NumberRule::Automatic { start, .. } => (
            "number",
            true,
            format!("gets the smallest free number from {start}"),
        ),
        NumberRule::Property {
            name,
            last_digits,
            reserved,
        } => match number_from_property(&user.number_values, *last_digits, reserved) {
            PropertyNumber::Found(number) => ("number", true, format!("{name} says {number}")),
            PropertyNumber::Empty => ("number", false, format!("{name} is empty")),
            PropertyNumber::NoneFits => ("number", false, format!("{name} holds no usable number")),
        },
    }
}
