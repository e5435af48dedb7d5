//! Subscriptions and the rules for making one: which resources there are, who may watch them, for how long, how many.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::ApiError;
use super::context::Caller;

/// Anything shorter is raised to this.
const SHORTEST: SignedDuration = SignedDuration::from_mins(45);
const LONGEST_CLIENT_STATE: usize = 128;

/// What can be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    Users,
    User(Uuid),
    Groups,
    Group(Uuid),
    Members(Uuid),
    Contacts,
    Presence,
}

#[derive(Clone, Debug)]
pub struct Subscription {
    pub id: Uuid,
    pub tenant: String,
    pub app: String,
    pub creator: Uuid,
    /// As it was asked for.
    pub resource: String,
    pub watched: Watched,
    pub change_types: BTreeSet<String>,
    pub notification_url: String,
    pub lifecycle_url: Option<String>,
    pub client_state: Option<String>,
    pub tls: String,
    pub ends_at: Timestamp,
    /// Granted once the handshake is done; nothing is told before.
    pub granted: bool,
    /// Up to where the logs of users and groups have been told.
    pub told: (usize, usize),
    /// A new authorisation is asked for; nothing is told after this moment without one.
    pub authorise_by: Option<Timestamp>,
    /// When it was last asked for.
    pub asked_at: Timestamp,
}

impl Watched {
    /// Of a resource as it was written, with or without a leading slash.
    pub fn parse(resource: &str) -> Option<Self> {
        let path = resource.trim_start_matches('/').split('?').next()?;
        let parts: Vec<&str> = path.split('/').collect();
        let id = |text: &str| Uuid::parse_str(text).ok();
        Some(match parts.as_slice() {
            ["users"] => Self::Users,
            ["users", user] => Self::User(id(user)?),
            ["groups"] => Self::Groups,
            ["groups", group] => Self::Group(id(group)?),
            ["groups", group, "members"] => Self::Members(id(group)?),
            ["users", _, "contacts"] | ["users", _, "contactFolders", _, "contacts"] => Self::Contacts,
            ["communications", "presences", ..] => Self::Presence,
            _ => return None,
        })
    }

    pub fn longest(&self) -> SignedDuration {
        SignedDuration::from_mins(match self {
            Self::Contacts => 10_070,
            Self::Presence => 60,
            _ => 41_760,
        })
    }

    fn role(&self) -> &'static str {
        match self {
            Self::Users | Self::User(_) => "User.Read.All",
            Self::Groups | Self::Group(_) | Self::Members(_) => "Group.Read.All",
            Self::Contacts => "Contacts.Read",
            Self::Presence => "Presence.Read.All",
        }
    }

    pub fn in_directory(&self) -> bool {
        !matches!(self, Self::Contacts | Self::Presence)
    }

    fn tells_created(&self) -> bool {
        *self == Self::Contacts
    }

    /// App-only: presence is for signed-in people.
    pub fn may_be_watched_by(&self, caller: &Caller) -> bool {
        *self != Self::Presence && caller.has_any(&[self.role()])
    }

    /// The role without which nothing is told any more.
    pub fn needs(&self) -> &'static str {
        self.role()
    }
}

/// What a POST asks for, checked as far as it can be without calling anybody.
pub struct Asked {
    pub watched: Watched,
    pub resource: String,
    pub change_types: BTreeSet<String>,
    pub notification_url: String,
    pub lifecycle_url: Option<String>,
    pub client_state: Option<String>,
    pub tls: String,
    pub ends_at: Timestamp,
}

impl Asked {
    pub fn read(body: &Value, now: Timestamp) -> Result<Self, ApiError> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let wanted = |name: &'static str| {
            text(name).ok_or_else(|| invalid(format!("The '{name}' property is missing or empty.")))
        };
        let resource = wanted("resource")?.to_owned();
        let watched = Watched::parse(&resource)
            .ok_or_else(|| invalid(format!("Resource '{resource}' is not supported.")))?;
        if body.get("includeResourceData").and_then(Value::as_bool) == Some(true) {
            return Err(invalid("Resource data is not supported for this resource."));
        }
        let client_state = text("clientState").map(str::to_owned);
        if client_state
            .as_ref()
            .is_some_and(|state| state.len() > LONGEST_CLIENT_STATE)
        {
            return Err(invalid(
                "The 'clientState' property is longer than 128 characters.",
            ));
        }
        let tls = text("latestSupportedTlsVersion").unwrap_or("v1_2").to_owned();
        if !matches!(tls.as_str(), "v1_0" | "v1_1" | "v1_2" | "v1_3") {
            return Err(invalid("The 'latestSupportedTlsVersion' property is not valid."));
        }
        let ends_at = ends_at(wanted("expirationDateTime")?, &watched, now)?;
        Ok(Self {
            change_types: change_types(wanted("changeType")?, &watched)?,
            notification_url: url(wanted("notificationUrl")?)?,
            lifecycle_url: text("lifecycleNotificationUrl").map(url).transpose()?,
            resource,
            watched,
            client_state,
            tls,
            ends_at,
        })
    }
}

fn change_types(text: &str, watched: &Watched) -> Result<BTreeSet<String>, ApiError> {
    let types: BTreeSet<String> = text.split(',').map(|kind| kind.trim().to_lowercase()).collect();
    let known = |kind: &String| matches!(kind.as_str(), "created" | "updated" | "deleted");
    if !types.iter().all(known) {
        return Err(invalid("The 'changeType' property is not valid."));
    }
    if *watched == Watched::Presence && types.iter().any(|kind| kind != "updated") {
        return Err(invalid("Presence tells updates only."));
    }
    Ok(types)
}

/// The end as it will be: raised to the shortest life, refused beyond the longest.
pub fn ends_at(text: &str, watched: &Watched, now: Timestamp) -> Result<Timestamp, ApiError> {
    let wanted: Timestamp = text
        .parse()
        .map_err(|_| invalid("The 'expirationDateTime' property is not a date."))?;
    if wanted <= now {
        return Err(invalid("Subscription expiration must be in the future."));
    }
    if wanted.duration_since(now) > watched.longest() {
        let most = watched.longest().as_mins();
        return Err(ApiError::new(
            400,
            "ExtensionError",
            format!("Subscription expiration can only be {most} minutes in the future."),
        ));
    }
    Ok(wanted.max(now.saturating_add(SHORTEST).unwrap_or(Timestamp::MAX)))
}

/// https, or plain http to this machine, on which the simulator runs.
pub fn url(text: &str) -> Result<String, ApiError> {
    let parsed = url::Url::parse(text).map_err(|_| invalid("The notification URL is not a URL."))?;
    let near = match parsed.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if parsed.scheme() == "https" || (parsed.scheme() == "http" && near) {
        Ok(text.to_owned())
    } else {
        Err(invalid("The notification URL must use https."))
    }
}

pub fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidRequest", message)
}

impl Subscription {
    /// As it is shown; `clientState` only in the answer to the one who set it.
    pub fn show(&self, with_client_state: bool) -> Value {
        json!({
            "id": self.id.to_string(),
            "resource": self.resource,
            "applicationId": self.app,
            "changeType": self.change_types.iter().cloned().collect::<Vec<_>>().join(","),
            "clientState": self.client_state.as_ref().filter(|_| with_client_state),
            "notificationUrl": self.notification_url,
            "lifecycleNotificationUrl": self.lifecycle_url,
            "expirationDateTime": super::directory::seconds(self.ends_at),
            "creatorId": self.creator.to_string(),
            "latestSupportedTlsVersion": self.tls,
            "includeResourceData": null,
            "encryptionCertificate": null,
            "encryptionCertificateId": null,
            "notificationUrlAppId": null,
            "notificationQueryOptions": null,
            "notificationContentType": null,
        })
    }

    /// Whether the same app watches the same for the same changes.
    pub fn is_same(&self, tenant: &str, app: &str, asked: &Asked) -> bool {
        let path = |text: &str| text.trim_start_matches('/').to_lowercase();
        self.tenant == tenant
            && self.app == app
            && path(&self.resource) == path(&asked.resource)
            && self.change_types == asked.change_types
    }

    pub fn wants(&self, change: &str) -> bool {
        // `created` is accepted for users and groups and never fires.
        self.change_types.contains(change) && (change != "created" || self.watched.tells_created())
    }
}
