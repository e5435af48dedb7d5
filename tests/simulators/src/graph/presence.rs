//! Teams presence: what each person shows, and the calls that read it. Whoever never signed in to Teams is offline; whoever
//! has no Teams is not told of at all.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, ApiError};
use super::call::Call;
use super::context::Context;

/// Most ids of one call.
const MAXIMUM_IDS: usize = 650;

/// The words of the resource's first page: `availability` and `activity`.
const OFFLINE: (&str, &str) = ("Offline", "Offline");

/// What the people of a tenant show.
#[derive(Default)]
pub struct Presences {
    shown: BTreeMap<Uuid, Shown>,
    /// No licence for Teams.
    pub without_teams: BTreeSet<Uuid>,
    changes: u64,
}

struct Shown {
    availability: String,
    activity: String,
    sequence: u64,
}

impl Presences {
    pub fn set(&mut self, user: Uuid, availability: &str, activity: &str) {
        self.changes += 1;
        let shown = Shown {
            availability: availability.to_owned(),
            activity: activity.to_owned(),
            sequence: self.changes,
        };
        self.shown.insert(user, shown);
    }

    pub fn of(&self, user: Uuid) -> (&str, &str) {
        let shown = self.shown.get(&user);
        shown.map_or(OFFLINE, |shown| (&shown.availability, &shown.activity))
    }

    fn sequence(&self, user: Uuid) -> u64 {
        self.shown.get(&user).map_or(0, |shown| shown.sequence)
    }
}

/// `POST /communications/getPresencesByUserId`. The answer has its own order.
pub fn by_ids(context: &Context, call: &Call) -> Result<Answer, ApiError> {
    if call.option("$select").is_some() || call.option("$expand").is_some() {
        return Err(ApiError::bad_request(
            "Query options are not supported on this call.",
        ));
    }
    let body: Value = serde_json::from_slice(&call.body)
        .map_err(|_| ApiError::bad_request("Unable to read JSON request payload."))?;
    let ids = body
        .get("ids")
        .and_then(Value::as_array)
        .ok_or_else(|| ApiError::bad_request("The request must name ids."))?;
    if ids.is_empty() || ids.len() > MAXIMUM_IDS {
        let message = format!("The number of ids must be between 1 and {MAXIMUM_IDS}.");
        return Err(ApiError::bad_request(message));
    }
    let users: Option<BTreeSet<Uuid>> = ids.iter().map(|id| Uuid::parse_str(id.as_str()?).ok()).collect();
    let users = users.ok_or_else(|| ApiError::bad_request("An id is not a GUID."))?;
    let value: Vec<Value> = users
        .iter()
        .rev()
        .filter_map(|user| one(context, *user))
        .collect();
    let context_url = format!(
        "{}/$metadata#Collection(microsoft.graph.presence)",
        context.base()
    );
    Ok(Answer::json(
        json!({ "@odata.context": context_url, "value": value }),
    ))
}

/// `GET /users/{id}/presence` and `GET /communications/presences/{id}`; a name in place of the id is nobody's.
pub fn single(context: &Context, key: &str) -> Result<Answer, ApiError> {
    let user = Uuid::parse_str(key).map_err(|_| ApiError::not_found(key))?;
    let presence = one(context, user).ok_or_else(|| ApiError::not_found(key))?;
    Ok(Answer::json(presence))
}

fn one(context: &Context, user: Uuid) -> Option<Value> {
    let policy = &context.behaviour.presence;
    let presences = &context.tenant.presences;
    let (availability, activity) = if has_teams(context, user) {
        presences.of(user)
    } else if policy.unknown_for_people_without_teams {
        ("PresenceUnknown", "PresenceUnknown")
    } else {
        return None;
    };
    let spell = |word: &str| {
        if policy.lower_camel_case {
            lower_first(word)
        } else {
            word.to_owned()
        }
    };
    Some(json!({
        "id": user.to_string(),
        "availability": spell(availability),
        "activity": spell(activity),
        "sequenceNumber": format!("A{:07}", presences.sequence(user)),
        "outOfOfficeSettings": { "message": null, "isOutOfOffice": false },
        "statusMessage": null,
        "workLocation": null,
    }))
}

/// Guests have none, nor has anybody who is deleted or whose licence was taken away.
fn has_teams(context: &Context, user: Uuid) -> bool {
    let Some(props) = context.directory().users.live.get(&user) else {
        return false;
    };
    let is_guest = props.get("userType").and_then(Value::as_str) == Some("Guest");
    !is_guest && !context.tenant.presences.without_teams.contains(&user)
}

fn lower_first(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
