//! The administrator's side over HTTP, for those who run the simulator as a process of its own. It is not
//! protected: it belongs on loopback.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Graph;
use super::admin::AdminError;
use super::admin_mailbox_http;
use super::answer::Answer;
use super::call::Call;
use super::world::{Ending, Reply};

/// What `GET /_sim` says.
const ROUTES: &[(&str, &str)] = &[
    ("GET /_sim/tenants", "tenant ids"),
    ("GET /_sim/tenants/{t}/users", "ids of live users"),
    (
        "POST /_sim/tenants/{t}/users",
        "properties, optionally id -> {id}",
    ),
    ("GET /_sim/tenants/{t}/users/{id}", "properties"),
    (
        "PATCH /_sim/tenants/{t}/users/{id}",
        "properties; null empties one",
    ),
    ("DELETE /_sim/tenants/{t}/users/{id}", "into the recycle bin"),
    (
        "POST /_sim/tenants/{t}/users/{id}/disable|enable|restore|purge",
        "",
    ),
    (
        "GET|PUT /_sim/tenants/{t}/users/{id}/presence",
        "{availability, activity}: what the person shows in Teams",
    ),
    (
        "PUT|DELETE /_sim/tenants/{t}/users/{id}/teams",
        "give or take the licence for Teams",
    ),
    (
        "POST /_sim/tenants/{t}/working-day",
        "{minute}: everybody shows what they do at this minute of a day -> ids of those who moved",
    ),
    ("PUT /_sim/tenants/{t}/users/{id}/manager", "{id: string|null}"),
    (
        "GET|PUT /_sim/tenants/{t}/users/{id}/mailbox",
        "{state?: normal|shared|room|none|on_premises|soft_deleted|excluded, default_listed?, distribution_lists?}",
    ),
    (
        "POST /_sim/tenants/{t}/users/{id}/mailbox/folders",
        "{name, parent?} -> {id}",
    ),
    ("DELETE /_sim/tenants/{t}/users/{id}/mailbox/folders/{folder}", ""),
    (
        "POST /_sim/tenants/{t}/users/{id}/mailbox/contacts",
        "{folder?, contact} -> {id}",
    ),
    (
        "PATCH|DELETE /_sim/tenants/{t}/users/{id}/mailbox/contacts/{contact}",
        "properties; null empties one",
    ),
    (
        "POST /_sim/tenants/{t}/users/{id}/mailbox/contacts/{contact}/move",
        "{folder?}",
    ),
    (
        "PUT|DELETE /_sim/tenants/{t}/users/{id}/mailbox/shared-with/{user}",
        "{folder?}: shares a contact folder",
    ),
    (
        "PUT|DELETE /_sim/tenants/{t}/users/{id}/mailbox/members/{user}",
        "has all of a shared mailbox",
    ),
    ("GET /_sim/tenants/{t}/groups", "ids of live groups"),
    (
        "POST /_sim/tenants/{t}/groups",
        "properties, optionally id -> {id}",
    ),
    ("PATCH /_sim/tenants/{t}/groups/{id}", "properties"),
    ("DELETE /_sim/tenants/{t}/groups/{id}", ""),
    ("PUT|DELETE /_sim/tenants/{t}/groups/{id}/members/{member}", ""),
    (
        "PUT|DELETE /_sim/tenants/{t}/apps/{app}/roles/{role}",
        "grant or revoke an application role",
    ),
    ("PUT /_sim/tenants/{t}/apps/{app}/consent", "{granted: bool}"),
    ("PUT /_sim/tenants/{t}/apps/{app}/enabled", "{enabled: bool}"),
    ("POST /_sim/tenants/{t}/apps/{app}/secrets", "{value, ends_at}"),
    (
        "POST /_sim/tenants/{t}/apps/{app}/secrets/expire|remove",
        "{value}",
    ),
    (
        "POST /_sim/tenants/{t}/apps/{app}/certificates",
        "{pem}: a certificate of the app",
    ),
    (
        "PUT /_sim/tenants/{t}/apps/{app}/registered-roles/{role}",
        "an application role that waits for consent",
    ),
    ("PUT|DELETE /_sim/tenants/{t}/apps/{app}/redirect-uris", "{uri}"),
    ("PUT /_sim/tenants/{t}/apps/{app}/emits-groups", "{enabled: bool}"),
    (
        "PUT|DELETE /_sim/tenants/{t}/apps/{app}/people/{user}/roles/{role}",
        "give or take an app role",
    ),
    (
        "PUT|DELETE /_sim/tenants/{t}/administrators/{user}",
        "may consent for the tenant",
    ),
    (
        "POST /_sim/tenants/{t}/users/{id}/revoke-sign-ins",
        "sessions and refresh tokens",
    ),
    (
        "PUT|DELETE /_sim/tenants/{t}/id-token",
        "{set, remove}: spoils the claims of the next ones",
    ),
    ("POST /_sim/tenants/{t}/keys/roll", "{overlap: bool}"),
    (
        "POST /_sim/tenants/{t}/delta/expire",
        "every delta token so far is expired",
    ),
    ("GET|DELETE /_sim/requests", "{counts, requests}"),
    ("POST /_sim/clock", "{advance_seconds}"),
    (
        "GET|POST|DELETE /_sim/faults",
        "{path, method?, skip?, times?, kind}",
    ),
    ("GET /_sim/subscriptions", "all of them, with their secret words"),
    ("DELETE /_sim/subscriptions/{id}", "lost without a word"),
    (
        "POST /_sim/subscriptions/{id}/lifecycle/{event}",
        "reauthorizationRequired; missed and subscriptionRemoved for mailboxes",
    ),
    (
        "GET|PUT /_sim/behaviour",
        "every switch; what is left out gets its default",
    ),
];

pub fn answer(graph: &Graph, call: &Call) -> Reply {
    let parts: Vec<&str> = call.segments.iter().skip(1).map(String::as_str).collect();
    let answer = match route(graph, call, &parts) {
        Ok(Some(answer)) => answer,
        Ok(None) => problem(404, "there is no such call; GET /_sim lists them"),
        Err(error) => {
            let status = match error {
                AdminError::NoTenant(_) | AdminError::NoApp(_) | AdminError::NoObject(_) => 404,
                AdminError::NoProperty(_) | AdminError::NestingRefused | AdminError::Malformed(_) => 400,
            };
            problem(status, &error.to_string())
        }
    };
    Reply {
        answer,
        delay_ms: 0,
        ending: Ending::Whole,
        handshake: None,
        visits: Vec::new(),
    }
}

fn problem(status: u16, text: &str) -> Answer {
    Answer::with_status(status, json!({ "error": text }))
}

pub(super) type Routed = Result<Option<Answer>, AdminError>;

fn route(graph: &Graph, call: &Call, parts: &[&str]) -> Routed {
    match parts {
        [] => {
            let routes: Vec<Value> = ROUTES
                .iter()
                .map(|(call, about)| json!({ "call": call, "about": about }))
                .collect();
            Ok(Some(Answer::json(json!({ "routes": routes }))))
        }
        ["tenants"] => Ok(Some(Answer::json(json!(graph.tenant_ids())))),
        ["tenants", tenant, "users", rest @ ..] => users(graph, call, tenant, rest),
        ["tenants", tenant, "groups", rest @ ..] => groups(graph, call, tenant, rest),
        ["tenants", tenant, "apps", app, rest @ ..] => apps(graph, call, (tenant, app), rest),
        ["tenants", tenant, "administrators", user] => {
            done(graph.set_administrator(tenant, id_of(user)?, call.method == http::Method::PUT))
        }
        ["tenants", tenant, "id-token"] => {
            let change = match call.method.as_str() {
                "PUT" => Some(body(call, "{set, remove}")?),
                _ => None,
            };
            done(graph.set_id_token_change(tenant, change))
        }
        ["tenants", tenant, "keys", "roll"] => {
            let Roll { overlap } = body(call, "{overlap}")?;
            done(graph.roll_keys(tenant, overlap))
        }
        ["tenants", tenant, "working-day"] => {
            let Minute { minute } = body(call, "{minute}")?;
            Ok(Some(Answer::json(json!(graph.live_minute(tenant, minute)?))))
        }
        ["tenants", tenant, "delta", "expire"] => done(graph.expire_delta_tokens(tenant)),
        ["subscriptions", rest @ ..] => subscriptions(graph, call, rest),
        _ => simulation(graph, call, parts),
    }
}

#[derive(Deserialize)]
struct Roll {
    overlap: bool,
}

#[derive(Deserialize)]
struct Minute {
    minute: u32,
}

#[derive(Deserialize)]
struct Shown {
    availability: String,
    activity: Option<String>,
}

#[derive(Deserialize)]
struct Advance {
    advance_seconds: u64,
}

fn simulation(graph: &Graph, call: &Call, parts: &[&str]) -> Routed {
    match (call.method.as_str(), parts) {
        ("GET", ["requests"]) => {
            let body = json!({ "counts": graph.request_counts(), "requests": graph.requests() });
            return Ok(Some(Answer::json(body)));
        }
        ("DELETE", ["requests"]) => graph.clear_requests(),
        ("POST", ["clock"]) => {
            let Advance { advance_seconds } = body(call, "{advance_seconds}")?;
            graph.advance(Duration::from_secs(advance_seconds));
        }
        ("GET", ["faults"]) => return Ok(Some(Answer::json(json!(graph.faults())))),
        ("POST", ["faults"]) => graph.add_fault(body(call, "{path, method?, skip?, times?, kind}")?),
        ("DELETE", ["faults"]) => graph.clear_faults(),
        ("GET", ["behaviour"]) => return Ok(Some(Answer::json(json!(graph.behaviour())))),
        ("PUT", ["behaviour"]) => graph.set_behaviour(body(call, "the behaviour that GET shows")?),
        _ => return Ok(None),
    }
    Ok(Some(Answer::empty(204)))
}

fn subscriptions(graph: &Graph, call: &Call, rest: &[&str]) -> Routed {
    match (call.method.as_str(), rest) {
        ("GET", []) => Ok(Some(Answer::json(json!(graph.subscriptions())))),
        ("DELETE", [id]) => done(graph.lose_subscription(id_of(id)?)),
        ("POST", [id, "lifecycle", event]) => done(graph.send_lifecycle(id_of(id)?, event)),
        _ => Ok(None),
    }
}

#[derive(Deserialize)]
struct Manager {
    id: Option<Uuid>,
}

fn users(graph: &Graph, call: &Call, tenant: &str, rest: &[&str]) -> Routed {
    match (call.method.as_str(), rest) {
        ("GET", []) => Ok(Some(Answer::json(json!(graph.user_ids(tenant)?)))),
        ("POST", []) => created(graph.create_user(tenant, &body(call, "properties")?)?),
        ("GET", [id]) => Ok(graph.user(tenant, id_of(id)?)?.map(Answer::json)),
        ("PATCH", [id]) => done(graph.update_user(tenant, id_of(id)?, &body(call, "properties")?)),
        ("DELETE", [id]) => done(graph.delete_user(tenant, id_of(id)?)),
        ("POST", [id, "disable"]) => done(graph.disable_user(tenant, id_of(id)?)),
        ("POST", [id, "enable"]) => done(graph.enable_user(tenant, id_of(id)?)),
        ("POST", [id, "revoke-sign-ins"]) => done(graph.revoke_sign_ins(tenant, id_of(id)?)),
        ("POST", [id, "restore"]) => done(graph.restore_user(tenant, id_of(id)?)),
        ("POST", [id, "purge"]) => done(graph.purge_user(tenant, id_of(id)?)),
        ("GET", [id, "presence"]) => {
            let (availability, activity) = graph.presence(tenant, id_of(id)?)?;
            let shown = json!({ "availability": availability, "activity": activity });
            Ok(Some(Answer::json(shown)))
        }
        ("PUT", [id, "presence"]) => {
            let shown: Shown = body(call, "{availability, activity}")?;
            let activity = shown.activity.as_deref().unwrap_or(&shown.availability);
            done(graph.set_presence(tenant, id_of(id)?, &shown.availability, activity))
        }
        ("PUT", [id, "teams"]) => done(graph.set_teams(tenant, id_of(id)?, true)),
        ("DELETE", [id, "teams"]) => done(graph.set_teams(tenant, id_of(id)?, false)),
        (_, [id, "mailbox", rest @ ..]) => admin_mailbox_http::route(graph, call, (tenant, id_of(id)?), rest),
        ("PUT", [id, "manager"]) => {
            let Manager { id: manager } = body(call, "{id}")?;
            done(graph.set_manager(tenant, id_of(id)?, manager))
        }
        _ => Ok(None),
    }
}

fn groups(graph: &Graph, call: &Call, tenant: &str, rest: &[&str]) -> Routed {
    match (call.method.as_str(), rest) {
        ("GET", []) => Ok(Some(Answer::json(json!(graph.group_ids(tenant)?)))),
        ("POST", []) => created(graph.create_group(tenant, &body(call, "properties")?)?),
        ("PATCH", [id]) => done(graph.update_group(tenant, id_of(id)?, &body(call, "properties")?)),
        ("DELETE", [id]) => done(graph.delete_group(tenant, id_of(id)?)),
        ("PUT", [id, "members", member]) => done(graph.add_member(tenant, id_of(id)?, id_of(member)?)),
        ("DELETE", [id, "members", member]) => done(graph.remove_member(tenant, id_of(id)?, id_of(member)?)),
        _ => Ok(None),
    }
}

#[derive(Deserialize)]
struct Granted {
    granted: bool,
}

#[derive(Deserialize)]
struct Enabled {
    enabled: bool,
}

#[derive(Deserialize)]
struct RedirectUri {
    uri: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCertificate {
    pem: String,
}

#[derive(Deserialize)]
struct NewSecret {
    value: String,
    ends_at: Timestamp,
}

#[derive(Deserialize)]
struct KnownSecret {
    value: String,
}

fn apps(graph: &Graph, call: &Call, (tenant, app): (&str, &str), rest: &[&str]) -> Routed {
    match (call.method.as_str(), rest) {
        ("PUT", ["roles", role]) => done(graph.grant_role(tenant, app, role)),
        ("DELETE", ["roles", role]) => done(graph.revoke_role(tenant, app, role)),
        ("PUT", ["consent"]) => {
            let Granted { granted } = body(call, "{granted}")?;
            done(graph.set_consent(tenant, app, granted))
        }
        ("PUT", ["enabled"]) => {
            let Enabled { enabled } = body(call, "{enabled}")?;
            done(graph.set_app_enabled(tenant, app, enabled))
        }
        ("PUT", ["redirect-uris"]) => {
            let RedirectUri { uri } = body(call, "{uri}")?;
            done(graph.add_redirect_uri(tenant, app, &uri))
        }
        ("DELETE", ["redirect-uris"]) => {
            let RedirectUri { uri } = body(call, "{uri}")?;
            done(graph.remove_redirect_uri(tenant, app, &uri))
        }
        ("PUT", ["emits-groups"]) => {
            let Enabled { enabled } = body(call, "{enabled}")?;
            done(graph.set_emits_groups(tenant, app, enabled))
        }
        ("PUT", ["people", user, "roles", role]) => {
            done(graph.assign_app_role(tenant, app, id_of(user)?, role))
        }
        ("DELETE", ["people", user, "roles", role]) => {
            done(graph.remove_app_role(tenant, app, id_of(user)?, role))
        }
        ("PUT", ["registered-roles", role]) => done(graph.register_role(tenant, app, role)),
        ("POST", ["certificates"]) => {
            let NewCertificate { pem } = body(call, "{pem}")?;
            done(graph.upload_certificate(tenant, app, &pem))
        }
        ("POST", ["secrets"]) => {
            let NewSecret { value, ends_at } = body(call, "{value, ends_at}")?;
            done(graph.add_secret(tenant, app, &value, ends_at))
        }
        ("POST", ["secrets", "expire"]) => {
            let KnownSecret { value } = body(call, "{value}")?;
            done(graph.expire_secret(tenant, app, &value))
        }
        ("POST", ["secrets", "remove"]) => {
            let KnownSecret { value } = body(call, "{value}")?;
            done(graph.remove_secret(tenant, app, &value))
        }
        _ => Ok(None),
    }
}

pub(super) fn body<T: DeserializeOwned>(call: &Call, wanted: &'static str) -> Result<T, AdminError> {
    serde_json::from_slice(&call.body).map_err(|_| AdminError::Malformed(wanted))
}

pub(super) fn id_of(text: &str) -> Result<Uuid, AdminError> {
    Uuid::parse_str(text).map_err(|_| AdminError::Malformed("an object id in the path"))
}

pub(super) fn done(result: Result<(), AdminError>) -> Routed {
    result.map(|()| Some(Answer::empty(204)))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it stands beside `done` in the same match"
)]
fn created(id: Uuid) -> Routed {
    Ok(Some(Answer::with_status(201, json!({ "id": id.to_string() }))))
}
