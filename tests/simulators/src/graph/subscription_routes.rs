//! The calls on `/subscriptions`: made, shown, renewed, authorised anew and ended by the app that owns them.

use std::collections::BTreeMap;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, ApiError};
use super::call::Call;
use super::context::Caller;
use super::subscription::{Asked, Subscription, ends_at, invalid, url};
use super::world::Moment;

const PAGE: usize = 100;
/// Directory subscriptions: per app and tenant, per tenant.
const MOST_PER_APP: usize = 100;
const MOST_PER_TENANT: usize = 1_000;
const WINDOW: SignedDuration = SignedDuration::from_secs(20);

/// A call to the owner of an address that must be answered before a subscription is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    pub subscription: Uuid,
    pub urls: Vec<String>,
    /// Whether the subscription came with this request, or only its address.
    pub first: bool,
}

#[derive(Default)]
pub struct Subscriptions {
    pub all: BTreeMap<Uuid, Subscription>,
    calls: BTreeMap<(String, String, &'static str), Vec<Timestamp>>,
    /// Left by the request that is being answered.
    pub handshake: Option<Handshake>,
}

/// Who asks, and of what.
pub struct Desk<'a> {
    pub caller: &'a Caller,
    pub principal: Uuid,
    pub new_id: Uuid,
    /// Lengths of the logs of users and groups.
    pub logs: (usize, usize),
    pub moment: &'a Moment,
    pub in_batch: bool,
}

impl Subscriptions {
    /// Forgets what has expired, silently as the service does.
    pub fn settle(&mut self, now: Timestamp) {
        self.all.retain(|_, subscription| subscription.ends_at > now);
    }

    pub fn answer(&mut self, call: &Call, desk: &Desk<'_>) -> Result<Answer, ApiError> {
        self.settle(desk.moment.now);
        let parts: Vec<&str> = call.segments.iter().skip(2).map(String::as_str).collect();
        match (call.method.clone(), parts.as_slice()) {
            (Method::POST, []) => self.create(call, desk),
            (Method::GET, []) => self.list(call, desk),
            (Method::GET, [id]) => {
                self.charge(desk, "read", 500)?;
                Ok(Answer::json(with_context(self.own(id, desk)?.show(false), desk)))
            }
            (Method::PATCH, [id]) => self.change(id, call, desk),
            (Method::DELETE, [id]) => {
                self.charge(desk, "write", 500)?;
                let id = self.own(id, desk)?.id;
                self.all.remove(&id);
                Ok(Answer::empty(204))
            }
            (Method::POST, [id, "reauthorize"]) => {
                self.charge(desk, "authorise", 1_000)?;
                self.own(id, desk)?.authorise_by = None;
                Ok(Answer::empty(204))
            }
            _ => Err(ApiError::new(
                405,
                "Request_BadRequest",
                "The HTTP method is not supported on this resource.",
            )),
        }
    }

    fn create(&mut self, call: &Call, desk: &Desk<'_>) -> Result<Answer, ApiError> {
        self.charge(desk, "write", 500)?;
        if desk.in_batch {
            return Err(invalid("A subscription is made by a request of its own."));
        }
        let asked = Asked::read(&body(call)?, desk.moment.now)?;
        if !asked.watched.may_be_watched_by(desk.caller) {
            return Err(ApiError::new(
                403,
                "ExtensionError",
                "Operation: Create; Exception: [Status Code: Forbidden; Reason: Caller does not have access.]",
            ));
        }
        self.check_quota(&asked, desk)?;
        let (tenant, app) = (&desk.caller.tenant, &desk.caller.app);
        if let Some(same) = self.all.values().find(|known| known.is_same(tenant, app, &asked)) {
            let message = format!("Subscription {} for the same resource already exists.", same.id);
            return Err(ApiError::new(409, "Conflict", message));
        }
        let subscription = Subscription {
            id: desk.new_id,
            tenant: tenant.clone(),
            app: app.clone(),
            creator: desk.principal,
            resource: asked.resource,
            watched: asked.watched,
            change_types: asked.change_types,
            notification_url: asked.notification_url,
            lifecycle_url: asked.lifecycle_url,
            client_state: asked.client_state,
            tls: asked.tls,
            ends_at: asked.ends_at,
            granted: false,
            told: desk.logs,
            authorise_by: None,
            asked_at: desk.moment.now,
        };
        let lifecycle = subscription.lifecycle_url.clone();
        self.handshake = Some(Handshake {
            subscription: subscription.id,
            urls: [subscription.notification_url.clone()]
                .into_iter()
                .chain(lifecycle)
                .collect(),
            first: true,
        });
        let shown = with_context(subscription.show(true), desk);
        self.all.insert(subscription.id, subscription);
        Ok(Answer::with_status(201, shown))
    }

    fn check_quota(&self, asked: &Asked, desk: &Desk<'_>) -> Result<(), ApiError> {
        if !asked.watched.in_directory() {
            return Ok(());
        }
        let of_tenant = || {
            self.all
                .values()
                .filter(|known| known.tenant == desk.caller.tenant && known.watched.in_directory())
        };
        let of_app = of_tenant().filter(|known| known.app == desk.caller.app).count();
        if of_app >= MOST_PER_APP || of_tenant().count() >= MOST_PER_TENANT {
            return Err(ApiError::new(
                403,
                "ExtensionError",
                "The quota of subscriptions for this app and tenant is reached.",
            ));
        }
        Ok(())
    }

    fn list(&mut self, call: &Call, desk: &Desk<'_>) -> Result<Answer, ApiError> {
        self.charge(desk, "list", 25)?;
        let after = call
            .option("$skiptoken")
            .and_then(|text| Uuid::parse_str(text).ok());
        let mut own = self.all.values().filter(|known| {
            known.granted
                && known.tenant == desk.caller.tenant
                && known.app == desk.caller.app
                && after.is_none_or(|after| known.id > after)
        });
        let page: Vec<&Subscription> = own.by_ref().take(PAGE).collect();
        let mut answer = json!({
            "@odata.context": format!("{}/v1.0/$metadata#subscriptions", desk.moment.origin),
            "value": page.iter().map(|known| known.show(false)).collect::<Vec<_>>(),
        });
        if let (Some(last), Some(_)) = (page.last(), own.next()) {
            answer["@odata.nextLink"] = json!(format!(
                "{}/v1.0/subscriptions?$skiptoken={}",
                desk.moment.origin, last.id
            ));
        }
        Ok(Answer::json(answer))
    }

    fn change(&mut self, id: &str, call: &Call, desk: &Desk<'_>) -> Result<Answer, ApiError> {
        self.charge(desk, "write", 500)?;
        let body = body(call)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let known = ["expirationDateTime", "notificationUrl"];
        let given = body
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str());
        if let Some(name) = given.into_iter().find(|name| !known.contains(name)) {
            return Err(invalid(format!("The property '{name}' cannot be updated.")));
        }
        let subscription = self.own(id, desk)?;
        if let Some(end) = text("expirationDateTime") {
            subscription.ends_at = ends_at(end, &subscription.watched, desk.moment.now)?;
            subscription.authorise_by = None;
        }
        let moved = text("notificationUrl").map(url).transpose()?;
        let (shown, id) = (with_context(subscription.show(false), desk), subscription.id);
        if let Some(url) = moved {
            self.handshake = Some(Handshake {
                subscription: id,
                urls: vec![url],
                first: false,
            });
        }
        Ok(Answer::json(shown))
    }

    fn own(&mut self, id: &str, desk: &Desk<'_>) -> Result<&mut Subscription, ApiError> {
        let gone = || ApiError::new(404, "ResourceNotFound", "The object was not found.");
        let id = Uuid::parse_str(id).map_err(|_| gone())?;
        self.all
            .get_mut(&id)
            .filter(|known| {
                known.tenant == desk.caller.tenant && known.app == desk.caller.app && known.granted
            })
            .ok_or_else(gone)
    }

    /// Ends a handshake: granted with its new address, or as if it had never been asked for.
    pub fn conclude(&mut self, handshake: &Handshake, answered: bool) {
        let Some(subscription) = self.all.get_mut(&handshake.subscription) else {
            return;
        };
        match (answered, handshake.first) {
            (true, true) => subscription.granted = true,
            (true, false) => {
                if let Some(url) = handshake.urls.first() {
                    subscription.notification_url.clone_from(url);
                }
            }
            (false, true) => {
                self.all.remove(&handshake.subscription);
            }
            (false, false) => {}
        }
    }

    fn charge(&mut self, desk: &Desk<'_>, what: &'static str, most: usize) -> Result<(), ApiError> {
        let key = (desk.caller.tenant.clone(), desk.caller.app.clone(), what);
        let now = desk.moment.now;
        let calls = self.calls.entry(key).or_default();
        calls.retain(|at| now.duration_since(*at) < WINDOW);
        if calls.len() >= most {
            let message = "Too many requests.";
            return Err(ApiError::new(429, "TooManyRequests", message).header("Retry-After", "20"));
        }
        calls.push(now);
        Ok(())
    }
}

fn body(call: &Call) -> Result<Value, ApiError> {
    serde_json::from_slice(&call.body)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| invalid("Unable to read JSON request payload."))
}

fn with_context(mut shown: Value, desk: &Desk<'_>) -> Value {
    shown["@odata.context"] = json!(format!(
        "{}/v1.0/$metadata#subscriptions/$entity",
        desk.moment.origin
    ));
    shown
}
