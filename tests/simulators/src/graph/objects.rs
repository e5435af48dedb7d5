//! Single paths beside users and groups: hydration by ids, the recycle bin, app registrations, the tenant.

use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, ApiError};
use super::call::Call;
use super::context::Context;
use super::directory::seconds;
use super::filter::{Filter, Operator};
use super::list::Position;
use super::members;
use super::paging::{self, PageToken};
use super::properties::EntityType;
use super::select::{Place, Select};
use super::tenant::App;

/// Most ids in one `getByIds`.
const MAXIMUM_IDS: usize = 1000;

/// `POST /directoryObjects/getByIds`. Unknown ids are left out without a word.
pub fn get_by_ids(context: &Context, call: &Call) -> Result<Answer, ApiError> {
    let body: Value = serde_json::from_slice(&call.body)
        .map_err(|_| ApiError::bad_request("Unable to read JSON request payload."))?;
    let ids = body
        .get("ids")
        .and_then(Value::as_array)
        .ok_or_else(|| ApiError::directory_bad_request("Property 'ids' must be a list of object ids."))?;
    if ids.is_empty() || ids.len() > MAXIMUM_IDS {
        let message = format!("The number of ids must be between 1 and {MAXIMUM_IDS}.");
        return Err(ApiError::directory_bad_request(message));
    }
    let types: Option<Vec<&str>> = body
        .get("types")
        .and_then(Value::as_array)
        .map(|types| types.iter().filter_map(Value::as_str).collect());
    let mut value = Vec::new();
    for id in ids {
        let text = id.as_str().unwrap_or_default();
        let id = Uuid::parse_str(text)
            .map_err(|_| ApiError::directory_bad_request(format!("Invalid object identifier '{text}'.")))?;
        value.extend(found(context, call, id, types.as_deref()));
    }
    let context_url = format!("{}/$metadata#directoryObjects", context.base());
    Ok(Answer::json(
        json!({ "@odata.context": context_url, "value": value }),
    ))
}

fn found(context: &Context, call: &Call, id: Uuid, types: Option<&[&str]>) -> Option<Value> {
    let directory = context.directory();
    let kind = directory.kind_of(id)?;
    let deleted = directory.users.deleted.contains_key(&id) || directory.groups.deleted.contains_key(&id);
    let wanted = types.is_none_or(|types| types.contains(&kind) || types.contains(&"directoryObject"));
    if deleted || !wanted {
        None
    } else {
        members::render(context, id, call.option("$select"))
    }
}

/// `GET /directory/deletedItems/microsoft.graph.user`.
pub fn deleted_users(context: &Context, call: &Call) -> Result<Answer, ApiError> {
    let entity = EntityType::User;
    let select = Select::parse(call, entity, Place::List)?;
    if call.option("$orderby").is_some() && !call.advanced() {
        return Err(paging::needs_advanced());
    }
    let filter = call.option("$filter").map(Filter::parse).transpose()?;
    if let Some(filter) = &filter
        && filter.check(entity)?
        && !call.advanced()
    {
        return Err(paging::needs_advanced());
    }
    let top = paging::top(call)?;
    let from = PageToken::<Position>::read(context, call, "deletedItems")?;
    let deleted = context.directory().users.deleted.iter();
    let after = |id: &Uuid| !matches!(&from, Some(Position::After(last)) if id <= last);
    let mut found = deleted.filter(|(id, (_, props))| {
        after(id)
            && filter
                .as_ref()
                .is_none_or(|filter| filter.matches(entity, **id, props))
    });
    let rows: Vec<_> = found.by_ref().take(top).collect();
    let more = found.next().is_some();
    let mut page =
        json!({ "@odata.context": format!("{}/$metadata#users{}", context.base(), select.context()) });
    if let Some((last, _)) = rows.last().filter(|_| more) {
        page["@odata.nextLink"] = json!(paging::next_link(
            context,
            call,
            "deletedItems",
            Position::After(**last)
        ));
    }
    page["value"] = rows
        .iter()
        .map(|(id, (_, props))| Value::Object(select.render(entity, **id, props)))
        .collect();
    Ok(Answer::json(page))
}

/// `GET /directory/deletedItems/{id}`.
pub fn deleted_item(context: &Context, call: &Call, key: &str) -> Result<Answer, ApiError> {
    let directory = context.directory();
    let id = Uuid::parse_str(key).map_err(|_| ApiError::not_found(key))?;
    let (entity, props) = match (
        directory.users.deleted.get(&id),
        directory.groups.deleted.get(&id),
    ) {
        (Some((_, props)), _) => (EntityType::User, props),
        (None, Some((_, props))) => (EntityType::Group, props),
        (None, None) => return Err(ApiError::not_found(key)),
    };
    let select = Select::parse(call, entity, Place::Single)?;
    let mut object = select.render(entity, id, props);
    object.insert("@odata.type".into(), json!(entity.odata_type()));
    Ok(Answer::json(Value::Object(object)))
}

/// `GET /applications(appId='...')` and `GET /applications/{object id}`.
pub fn application(context: &Context, call: &Call, key: &str) -> Result<Answer, ApiError> {
    let named = key.strip_prefix("appId=").map(|quoted| quoted.trim_matches('\''));
    let apps = &context.tenant.apps;
    let found = match named {
        Some(app_id) => apps.get_key_value(app_id),
        None => apps.iter().find(|(_, app)| app.object_id.to_string() == key),
    };
    let (app_id, app) = found
        .filter(|(id, _)| may_read(context, id))
        .ok_or_else(|| ApiError::not_found(key))?;
    let mut object = render_app(app_id, app, call.option("$select"));
    object["@odata.context"] = json!(format!("{}/$metadata#applications/$entity", context.base()));
    Ok(Answer::json(object))
}

/// `GET /applications`, of which only the filter by app id narrows the list.
pub fn applications(context: &Context, call: &Call) -> Result<Answer, ApiError> {
    let wanted = match call.option("$filter").map(Filter::parse).transpose()? {
        None => None,
        Some(Filter::Compare(path, Operator::Eq, value)) if path == "appId" => Some(value),
        Some(_) => {
            return Err(ApiError::unsupported(
                "Unsupported or invalid query filter clause specified.",
            ));
        }
    };
    let apps = context.tenant.apps.iter().filter(|(id, _)| may_read(context, id));
    let apps = apps.filter(|(id, _)| wanted.as_ref().is_none_or(|wanted| wanted == &json!(id)));
    let value: Vec<Value> = apps
        .map(|(id, app)| render_app(id, app, call.option("$select")))
        .collect();
    let context_url = format!("{}/$metadata#applications", context.base());
    Ok(Answer::json(
        json!({ "@odata.context": context_url, "value": value }),
    ))
}

/// `Application.ReadWrite.OwnedBy` sees the app itself and no other.
fn may_read(context: &Context, app_id: &str) -> bool {
    let all = [
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Directory.Read.All",
    ];
    context.caller.has_any(&all) || context.caller.app == app_id
}

fn render_app(app_id: &str, app: &App, select: Option<&str>) -> Value {
    let secrets = app.secrets.iter().map(|secret| {
        json!({
            "keyId": secret.key_id, "displayName": "client secret", "customKeyIdentifier": null,
            "hint": secret.value.chars().take(3).collect::<String>(), "secretText": null,
            "startDateTime": seconds(secret.starts_at), "endDateTime": seconds(secret.ends_at),
        })
    });
    let keys = app.certificates.iter().map(|certificate| {
        json!({
            "keyId": certificate.key_id, "displayName": "CN=connector", "key": null,
            "type": "AsymmetricX509Cert", "usage": "Verify", "customKeyIdentifier": certificate.thumbprint_sha1,
            "startDateTime": seconds(certificate.starts_at), "endDateTime": seconds(certificate.ends_at),
        })
    });
    let mut object = json!({
        "id": app.object_id, "appId": app_id, "displayName": app.display_name,
        "signInAudience": "AzureADMyOrg",
        "passwordCredentials": secrets.collect::<Vec<_>>(), "keyCredentials": keys.collect::<Vec<_>>(),
    });
    if let (Some(select), Some(fields)) = (select, object.as_object_mut()) {
        let names: Vec<&str> = select.split(',').map(str::trim).collect();
        fields.retain(|name, _| names.contains(&name.as_str()));
    }
    object
}

/// `GET /organization`.
pub fn organization(context: &Context) -> Answer {
    let tenant = context.tenant;
    let domain = json!({
        "capabilities": "Email, OfficeCommunicationsOnline", "isDefault": true, "isInitial": true,
        "name": tenant.domain, "type": "Managed",
    });
    let object = json!({
        "id": tenant.id, "displayName": tenant.name, "tenantType": "AAD", "countryLetterCode": "DE",
        "verifiedDomains": [domain],
    });
    let context_url = format!("{}/$metadata#organization", context.base());
    Answer::json(json!({ "@odata.context": context_url, "value": [object] }))
}
