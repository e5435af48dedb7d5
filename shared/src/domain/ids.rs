//! Identifiers, each its own type, so that one can never be passed for another.
//! Every value came through its parsing constructor.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Text that is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} expected")]
pub struct InvalidId {
    /// What would have been right, for a person.
    pub wanted: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String, format = Uuid)]
        pub struct $name(Uuid);

        impl $name {
            /// Accepts the hyphenated form in either letter case.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                // The other spellings that `Uuid` reads (braces, urn, no hyphens) would make two texts one id.
                if text.len() != 36 {
                    return Err(InvalidId { wanted: $wanted });
                }
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId { wanted: $wanted })
            }

            /// The bare value, for keys and wire shapes.
            pub fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(value: Uuid) -> Self {
                Self(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.to_string()
            }
        }
    };
}

uuid_id!(
    /// A person's record in the directory: Graph's immutable object id.
    EntraUserId, "an object id (a GUID)"
);
uuid_id!(
    /// Graph's name of a subscription.
    SubscriptionId, "a subscription id (a GUID)"
);
uuid_id!(
    /// A group's record in the directory: Graph's immutable object id.
    EntraGroupId, "an object id (a GUID)"
);
uuid_id!(
    /// A Microsoft Entra tenant.
    TenantId, "a tenant id (a GUID)"
);
uuid_id!(
    /// The application (client) id of an app registration.
    ClientId, "an application (client) id (a GUID)"
);
uuid_id!(
    /// One tenant joined to one PBX.
    ConnectionId, "a connection id (a GUID)"
);
uuid_id!(
    /// One sync run; ids of later runs sort after those of earlier ones.
    SyncRunId, "a sync run id (a GUID)"
);
uuid_id!(
    /// One piece of news about an alert, or one message of several; later ones sort after earlier ones.
    AlertId, "an alert id (a GUID)"
);

/// A version-7 value: the given instant, then random bits.
fn time_ordered(now: Timestamp) -> Uuid {
    let seconds = u64::try_from(now.as_second()).expect("the clock stands after 1970");
    let nanos = u32::try_from(now.subsec_nanosecond()).expect("instants after 1970 have no negative part");
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos))
}

impl ConnectionId {
    /// A fresh id.
    pub fn generate(now: Timestamp) -> Self {
        Self(time_ordered(now))
    }
}

impl AlertId {
    /// A fresh id that sorts by `now`.
    pub fn generate(now: Timestamp) -> Self {
        Self(time_ordered(now))
    }
}

impl SyncRunId {
    /// A fresh id that sorts by `now`.
    pub fn generate(now: Timestamp) -> Self {
        Self(time_ordered(now))
    }
}

/// The PBX's own key of an extension; never the number.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct ExtensionId(pub i64);

impl fmt::Display for ExtensionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The PBX's own key of an extension group or a department.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct PbxGroupId(pub i64);

impl fmt::Display for PbxGroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
