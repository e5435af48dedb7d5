//! The state inside a delta token and the ways it goes bad. A token belongs to one tenant, one type of
//! object and one set of properties, and lives for a week.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::ApiError;
use super::behaviour::ExpiredForm;
use super::call::Call;
use super::context::Context;
use super::filter::Filter;
use super::paging::link;
use super::properties::EntityType;
use super::select::{Place, Select};

/// How far a round has got. Positions count entries of the change log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Phase {
    /// All objects as they are, in `pass` over the members of groups; then changes from `head`.
    First {
        pass: usize,
        after: Option<Uuid>,
        head: usize,
    },
    Changes {
        position: usize,
        until: usize,
    },
    /// Between two rounds.
    Resting {
        position: usize,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeltaState {
    users: bool,
    pub select: Option<Vec<String>>,
    pub ids: Vec<Uuid>,
    at: i64,
    epoch: u32,
    pub page: usize,
    pub phase: Phase,
}

const REFUSED: &[&str] = &["$expand", "$top", "$orderby", "$search", "$count", "$skip"];

/// Most ids in the filter of a delta query.
const MAXIMUM_IDS: usize = 50;

impl DeltaState {
    /// The state that this request stands for.
    pub fn read(context: &Context, call: &Call, entity: EntityType) -> Result<Self, ApiError> {
        for option in REFUSED {
            if call.option(option).is_some() {
                let message = format!("The query option '{option}' is not supported in delta.");
                return Err(ApiError::unsupported(message));
            }
        }
        match (call.option("$deltatoken"), call.option("$skiptoken")) {
            (Some("latest"), None) => Self::fresh(context, call, entity).map(Self::at_head),
            (None | Some(""), None) => Self::fresh(context, call, entity),
            (Some(token), None) | (None, Some(token)) => Self::open(context, call, entity, token),
            (Some(_), Some(_)) => Err(ApiError::directory_bad_request("Two tokens in one request.")),
        }
    }

    fn fresh(context: &Context, call: &Call, entity: EntityType) -> Result<Self, ApiError> {
        let select = call.option("$select").filter(|text| !text.trim().is_empty());
        let select = select.map(|text| text.split(',').map(|name| name.trim().to_owned()).collect());
        let head = context.directory().shelf(entity).log.len();
        let state = Self {
            users: entity == EntityType::User,
            select,
            ids: ids(call)?,
            at: context.now.as_second(),
            epoch: context.tenant.delta_epoch,
            page: 0,
            phase: Phase::First {
                pass: 0,
                after: None,
                head,
            },
        };
        state.properties(entity)?;
        Ok(state)
    }

    fn at_head(mut self) -> Self {
        if let Phase::First { head, .. } = self.phase {
            self.phase = Phase::Changes {
                position: head,
                until: head,
            };
        }
        self
    }

    fn open(context: &Context, call: &Call, entity: EntityType, token: &str) -> Result<Self, ApiError> {
        let mut state: Self = context
            .sealer
            .open(context.tenant_id(), token)
            .filter(|state: &Self| state.users == (entity == EntityType::User))
            .ok_or_else(|| ApiError::directory_bad_request("Badly formed token."))?;
        if call.query.len() > 1 {
            let message = "Query options are already encoded in the token and cannot be given again.";
            return Err(ApiError::directory_bad_request(message));
        }
        let policy = &context.behaviour.delta;
        let age = context.now.as_second() - state.at;
        if let Some(form) = context.expire_delta {
            return Err(state.expired(context, entity, form));
        }
        if age > policy.lifetime_seconds || state.epoch != context.tenant.delta_epoch {
            return Err(state.expired(context, entity, policy.expired));
        }
        if let Phase::Resting { position } = state.phase {
            let until = context.directory().shelf(entity).log.len();
            let replayed = usize::try_from(policy.replay_changes).unwrap_or(usize::MAX);
            state.phase = Phase::Changes {
                position: position.saturating_sub(replayed),
                until,
            };
            state.page = 0;
        }
        Ok(state)
    }

    pub fn properties(&self, entity: EntityType) -> Result<Select, ApiError> {
        match &self.select {
            None => Ok(Select::everything_usual(entity)),
            Some(names) => Select::from_names(names.iter().map(String::as_str), entity, Place::Delta),
        }
    }

    /// The link to the next page, or to the next round when the state rests.
    pub fn link(&self, context: &Context, entity: EntityType) -> (&'static str, String) {
        let (name, option) = match self.phase {
            Phase::Resting { .. } => ("@odata.deltaLink", "$deltatoken"),
            Phase::First { .. } | Phase::Changes { .. } => ("@odata.nextLink", "$skiptoken"),
        };
        let mut state = self.clone();
        state.at = context.now.as_second();
        let token = context.sealer.seal(context.tenant_id(), &state);
        (
            name,
            link(
                context,
                &format!("/{}/delta", entity.collection()),
                &[(option, token)],
            ),
        )
    }

    fn expired(&self, context: &Context, entity: EntityType, form: ExpiredForm) -> ApiError {
        let lost = "The sync state generation is not found; continuing with the delta token is not possible.";
        match form {
            ExpiredForm::GoneWithLocation => {
                let select = self.select.as_ref().map(|names| ("$select", names.join(",")));
                let options: Vec<_> = select
                    .into_iter()
                    .chain([("$deltatoken", String::new())])
                    .collect();
                let location = link(context, &format!("/{}/delta", entity.collection()), &options);
                ApiError::new(410, "resyncRequired", lost).header("Location", location)
            }
            ExpiredForm::GoneSyncStateNotFound => ApiError::new(410, "syncStateNotFound", lost),
            ExpiredForm::GoneResyncRequired => ApiError::new(410, "resyncRequired", lost),
            ExpiredForm::NotFoundSyncStateNotFound => ApiError::new(404, "SyncStateNotFound", lost),
            ExpiredForm::BadRequestSyncStateInvalid => ApiError::new(400, "syncStateInvalid", lost),
            ExpiredForm::BadRequestOlderThan => {
                ApiError::unsupported("DeltaLink older than 30 days is not supported.")
            }
            ExpiredForm::BadRequest => ApiError::directory_bad_request("Badly formed token."),
        }
    }
}

fn ids(call: &Call) -> Result<Vec<Uuid>, ApiError> {
    let Some(text) = call.option("$filter") else {
        return Ok(Vec::new());
    };
    let ids = Filter::parse(text)?
        .ids()
        .ok_or_else(|| ApiError::unsupported("Delta takes no filter but 'id eq' joined by 'or'."))?;
    if ids.len() > MAXIMUM_IDS {
        let message = format!(
            "Too many ids in the filter: {} of at most {MAXIMUM_IDS}.",
            ids.len()
        );
        return Err(ApiError::unsupported(message));
    }
    Ok(ids)
}
