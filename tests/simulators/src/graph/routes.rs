//! The paths of the Graph host: what each is, who may call it and what it costs. A path that is not here
//! does not exist.

use http::Method;

use super::answer::ApiError;
use super::call::Call;
use super::mailbox_routes::MailboxPath;
use super::properties::EntityType;

/// The members of a group, in one of their many spellings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembersPath {
    pub group: String,
    pub transitive: bool,
    /// The type of `/microsoft.graph.user` and the like.
    pub cast: Option<String>,
    pub count: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    List(EntityType),
    Count(EntityType),
    Delta(EntityType),
    User(String),
    Group(String),
    Members(MembersPath),
    GetByIds,
    DeletedUsers,
    DeletedItem(String),
    Applications,
    Application(String),
    Organization,
    Presences,
    Presence(String),
    Subscriptions,
    Mailbox(MailboxPath),
    Batch,
}

const READ_USERS: &[&str] = &[
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_USERS_BASIC: &[&str] = &[
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_GROUPS: &[&str] = &[
    "Group.ReadBasic.All",
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_MEMBERS: &[&str] = &[
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_EITHER: &[&str] = &[
    "User.Read.All",
    "Group.Read.All",
    "GroupMember.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_APPLICATIONS: &[&str] = &[
    "Application.Read.All",
    "Application.ReadWrite.OwnedBy",
    "Application.ReadWrite.All",
    "Directory.Read.All",
];
const READ_PRESENCE: &[&str] = &["Presence.Read.All", "Presence.ReadWrite.All"];
const READ_ORGANIZATION: &[&str] = &[
    "Organization.Read.All",
    "User.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

impl Route {
    /// `segments` start after the version.
    pub fn find(call: &Call, segments: &[String]) -> Result<Self, ApiError> {
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let route = Self::of_path(&parts).ok_or_else(|| {
            let name = parts.last().copied().unwrap_or_default();
            ApiError::bad_request(format!("Resource not found for the segment '{name}'."))
        })?;
        if route == Self::Subscriptions {
            return Ok(route);
        }
        let wanted = if matches!(route, Self::GetByIds | Self::Presences | Self::Batch) {
            Method::POST
        } else {
            Method::GET
        };
        if call.method == wanted {
            return Ok(route);
        }
        let message = "The HTTP method is not supported on this resource.";
        Err(ApiError::new(405, "Request_BadRequest", message).header("Allow", wanted.as_str()))
    }

    fn of_path(parts: &[&str]) -> Option<Self> {
        use EntityType::{Group, User};
        Some(match *parts {
            ["users"] => Self::List(User),
            ["users", "$count"] => Self::Count(User),
            ["users", "delta" | "microsoft.graph.delta"] => Self::Delta(User),
            ["users", key, "presence"] | ["communications", "presences", key] => {
                Self::Presence(key.to_owned())
            }
            ["communications", "getPresencesByUserId"] => Self::Presences,
            ["users", key] => Self::User(key.to_owned()),
            ["users", key, ref rest @ ..] => Self::Mailbox(MailboxPath::of(key, rest)?),
            ["groups"] => Self::List(Group),
            ["groups", "$count"] => Self::Count(Group),
            ["groups", "delta" | "microsoft.graph.delta"] => Self::Delta(Group),
            ["groups", key] => Self::Group(key.to_owned()),
            [
                "groups",
                group,
                edge @ ("members" | "transitiveMembers"),
                ref rest @ ..,
            ] => Self::Members(members(group, edge, rest)?),
            ["directoryObjects", "getByIds" | "microsoft.graph.getByIds"] => Self::GetByIds,
            ["directory", "deletedItems", "microsoft.graph.user"] => Self::DeletedUsers,
            ["directory", "deletedItems", key] => Self::DeletedItem(key.to_owned()),
            ["applications"] => Self::Applications,
            ["applications", key] => Self::Application(key.to_owned()),
            ["organization"] => Self::Organization,
            ["subscriptions"] | ["subscriptions", _] | ["subscriptions", _, "reauthorize"] => {
                Self::Subscriptions
            }
            ["$batch"] => Self::Batch,
            _ => return None,
        })
    }

    /// Any one of these lets the call through.
    pub fn roles(&self) -> &'static [&'static str] {
        match self {
            Self::List(EntityType::User) | Self::Count(EntityType::User) | Self::User(_) => READ_USERS_BASIC,
            Self::Delta(EntityType::User) | Self::DeletedUsers | Self::DeletedItem(_) => READ_USERS,
            Self::List(_) | Self::Count(_) | Self::Delta(_) | Self::Group(_) => READ_GROUPS,
            Self::Members(_) => READ_MEMBERS,
            Self::GetByIds => READ_EITHER,
            Self::Applications | Self::Application(_) => READ_APPLICATIONS,
            Self::Organization => READ_ORGANIZATION,
            Self::Presences | Self::Presence(_) => READ_PRESENCE,
            Self::Mailbox(path) => path.roles(),
            // Which one is a matter of the resource.
            Self::Subscriptions | Self::Batch => &[],
        }
    }

    /// The service behind Teams has its own limits and its own words for refusals.
    pub fn is_presence(&self) -> bool {
        matches!(self, Self::Presences | Self::Presence(_))
    }

    /// Resource units before the query options change them.
    pub fn base_cost(&self) -> i32 {
        match self {
            Self::List(EntityType::User) | Self::User(_) | Self::Applications | Self::Application(_) => 2,
            Self::Members(path) if path.transitive => 5,
            Self::Members(_) => 3,
            Self::GetByIds => 5,
            _ => 1,
        }
    }

    pub fn cost(&self, call: &Call) -> i32 {
        let selected = call.option("$select").is_some();
        if *self == Self::GetByIds {
            return if selected { 2 } else { self.base_cost() };
        }
        let small = call
            .option("$top")
            .and_then(|top| top.parse::<u32>().ok())
            .is_some_and(|top| top < 20);
        let expanded = call.option("$expand").is_some();
        (self.base_cost() - i32::from(selected) - i32::from(small) + i32::from(expanded)).max(1)
    }
}

fn members(group: &str, edge: &str, rest: &[&str]) -> Option<MembersPath> {
    let (cast, count) = match *rest {
        [] => (None, false),
        ["$count"] => (None, true),
        [cast] => (Some(cast), false),
        [cast, "$count"] => (Some(cast), true),
        _ => return None,
    };
    let cast = match cast {
        None => None,
        Some(name) => Some(name.strip_prefix("microsoft.graph.")?.to_owned()),
    };
    Some(MembersPath {
        group: group.to_owned(),
        transitive: edge == "transitiveMembers",
        cast,
        count,
    })
}
