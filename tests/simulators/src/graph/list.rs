//! Lists of users and groups: filters, order, counts and pages. The page token names the last object sent,
//! so a page costs the same wherever it stands; only an ordered list is held against all objects.

use std::ops::Bound;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, ApiError};
use super::call::Call;
use super::context::Context;
use super::directory::Props;
use super::filter::Filter;
use super::order::Order;
use super::paging::{self, PageToken};
use super::properties::{BASIC_USER, EntityType};
use super::search::Search;
use super::select::{Place, Select};

/// Where the next page begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Position {
    After(Uuid),
    Skip(usize),
}

struct Query {
    entity: EntityType,
    select: Select,
    filter: Option<Filter>,
    search: Option<Search>,
    order: Option<Order>,
    expand_manager: bool,
}

impl Query {
    fn parse(context: &Context, call: &Call, entity: EntityType) -> Result<Self, ApiError> {
        if call.option("$skip").is_some() {
            return Err(ApiError::directory_bad_request(
                "'$skip' is not supported by the service.",
            ));
        }
        let select = Select::parse(call, entity, Place::List)?;
        let filter = call.option("$filter").map(Filter::parse).transpose()?;
        let order = call
            .option("$orderby")
            .map(|text| Order::parse(text, entity))
            .transpose()?;
        let search = call
            .option("$search")
            .map(|text| Search::parse(text, entity))
            .transpose()?;
        let query = Self {
            entity,
            select,
            filter,
            search,
            order,
            expand_manager: expands(call, entity)?,
        };
        query.check(context, call)?;
        Ok(query)
    }

    fn check(&self, context: &Context, call: &Call) -> Result<(), ApiError> {
        let mut advanced = match &self.filter {
            Some(filter) => filter.check(self.entity)? || self.order.is_some(),
            None => false,
        };
        advanced |= self
            .order
            .as_ref()
            .is_some_and(|order| order.advanced(self.entity));
        if advanced && !call.advanced() {
            return Err(paging::needs_advanced());
        }
        if self.search.is_some() && !call.eventual() {
            return Err(ApiError::unsupported(
                "Request with $search query parameter only works with ConsistencyLevel.",
            ));
        }
        if self.entity == EntityType::User && context.caller.reads_basic_users_only() {
            basic_only(&self.select)?;
        }
        Ok(())
    }

    fn holds(&self, id: Uuid, props: &Props) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.matches(self.entity, id, props))
            && self.search.as_ref().is_none_or(|search| search.matches(props))
    }

    fn render(&self, context: &Context, id: Uuid, props: &Props) -> Value {
        let mut object = self.select.render(self.entity, id, props);
        if context.caller.reads_basic_users_only() && self.entity == EntityType::User {
            for (name, value) in &mut object {
                if !BASIC_USER.contains(&name.as_str()) {
                    *value = Value::Null;
                }
            }
        }
        if self.expand_manager
            && let Some(manager) = context.manager_of(id)
        {
            object.insert("manager".into(), manager);
        }
        Value::Object(object)
    }
}

/// `GET /users` and `GET /groups`.
pub fn list(context: &Context, call: &Call, entity: EntityType) -> Result<Answer, ApiError> {
    let query = Query::parse(context, call, entity)?;
    let top = paging::top(call)?;
    let token = PageToken::<Position>::read(context, call, entity.collection())?;
    let live = &context.directory().shelf(entity).live;
    let (rows, next) = match &query.order {
        None => by_id(live, &query, token.as_ref(), top),
        Some(order) => ordered(live, &query, order, (token.as_ref(), top)),
    };
    let value: Vec<Value> = rows
        .iter()
        .map(|(id, props)| query.render(context, **id, props))
        .collect();
    let mut page = json!({
        "@odata.context": format!("{}/$metadata#{}{}", context.base(), entity.collection(), query.select.context()),
    });
    if call.advanced() && token.is_none() {
        page["@odata.count"] = json!(live.iter().filter(|(id, props)| query.holds(**id, props)).count());
    }
    if let Some(position) = next {
        page["@odata.nextLink"] = json!(paging::next_link(context, call, entity.collection(), position));
    }
    page["value"] = json!(value);
    Ok(Answer::json(page))
}

type Rows<'a> = (Vec<(&'a Uuid, &'a Props)>, Option<Position>);
type Live = std::collections::BTreeMap<Uuid, Props>;

fn by_id<'a>(live: &'a Live, query: &Query, from: Option<&Position>, top: usize) -> Rows<'a> {
    let start = match from {
        Some(Position::After(id)) => Bound::Excluded(*id),
        _ => Bound::Unbounded,
    };
    let mut found = live
        .range((start, Bound::Unbounded))
        .filter(|(id, props)| query.holds(**id, props));
    let rows: Vec<_> = found.by_ref().take(top).collect();
    let next = match (rows.last(), found.next()) {
        (Some((id, _)), Some(_)) => Some(Position::After(**id)),
        _ => None,
    };
    (rows, next)
}

fn ordered<'a>(
    live: &'a Live,
    query: &Query,
    order: &Order,
    (from, top): (Option<&Position>, usize),
) -> Rows<'a> {
    let skip = match from {
        Some(Position::Skip(count)) => *count,
        _ => 0,
    };
    let mut all: Vec<_> = live
        .iter()
        .filter(|(id, props)| query.holds(**id, props))
        .collect();
    all.sort_by(|left, right| order.compare(query.entity, *left, *right));
    let more = all.len() > skip + top;
    let rows = all.into_iter().skip(skip).take(top).collect();
    (rows, more.then_some(Position::Skip(skip + top)))
}

/// `GET /users/$count`.
pub fn count(context: &Context, call: &Call, entity: EntityType) -> Result<Answer, ApiError> {
    if !call.eventual() {
        return Err(ApiError::directory_bad_request(
            "$count is not currently supported.",
        ));
    }
    let filter = call.option("$filter").map(Filter::parse).transpose()?;
    if let Some(filter) = &filter {
        filter.check(entity)?;
    }
    let live = &context.directory().shelf(entity).live;
    let holds = |id: &Uuid, props: &Props| {
        filter
            .as_ref()
            .is_none_or(|filter| filter.matches(entity, *id, props))
    };
    let number = live.iter().filter(|(id, props)| holds(id, props)).count();
    Ok(Answer::text(200, "text/plain", number.to_string()))
}

/// `GET /users/{key}` and `GET /groups/{id}`.
pub fn single(context: &Context, call: &Call, entity: EntityType, key: &str) -> Result<Answer, ApiError> {
    let select = Select::parse(call, entity, Place::Single)?;
    let directory = context.directory();
    let id = match entity {
        EntityType::User => directory.find_user(key),
        EntityType::Group => Uuid::parse_str(key).ok(),
    };
    let found = id.and_then(|id| directory.shelf(entity).live.get_key_value(&id));
    let (id, props) = found.ok_or_else(|| ApiError::not_found(key))?;
    let expand_manager = expands(call, entity)?;
    let query = Query {
        entity,
        select,
        filter: None,
        search: None,
        order: None,
        expand_manager,
    };
    if entity == EntityType::User && context.caller.reads_basic_users_only() {
        basic_only(&query.select)?;
    }
    let mut object = query.render(context, *id, props);
    let names = query.select.context();
    object["@odata.context"] = json!(format!(
        "{}/$metadata#{}{names}/$entity",
        context.base(),
        entity.collection()
    ));
    Ok(Answer::json(object))
}

fn expands(call: &Call, entity: EntityType) -> Result<bool, ApiError> {
    match call.option("$expand") {
        None => Ok(false),
        Some(text) if entity == EntityType::User && text.trim().starts_with("manager") => Ok(true),
        Some(text) => Err(ApiError::bad_request(format!(
            "Parsing OData Select and Expand failed: '{text}'."
        ))),
    }
}

fn basic_only(select: &Select) -> Result<(), ApiError> {
    let beyond = select.named && select.names.iter().any(|name| !BASIC_USER.contains(name));
    if beyond { Err(ApiError::denied()) } else { Ok(()) }
}
