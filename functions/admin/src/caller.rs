//! Who a request comes from, and how far their word goes.

use shared::domain::ids::ConnectionId;
use shared::domain::role::Role;

/// Of which connections somebody may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Of all.
    Everything,
    /// Of one alone.
    One(ConnectionId),
}

/// Who a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub role: Role,
    pub reach: Reach,
    /// What to call them on a page.
    pub name: String,
}

impl Reach {
    /// Whether it goes as far as what this path of the API is about, read or changed.
    pub fn covers_path(self, path: &str, reads: bool) -> bool {
        let Self::One(own) = self else {
            return true;
        };
        let Some(rest) = path.strip_prefix("/api/v1/connections/") else {
            // Nothing above one connection is anybody's who has only one; of the list they see that one.
            return reads && path == "/api/v1/connections";
        };
        rest.split('/').next().and_then(|id| ConnectionId::parse(id).ok()) == Some(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_one_connection_reaches_nothing_beside_it() {
        const OWN: &str = "0190d2a0-0000-7000-8000-000000000001";
        let one = Reach::One(ConnectionId::parse(OWN).unwrap());
        let rows = [
            (format!("/api/v1/connections/{OWN}"), true),
            (format!("/api/v1/connections/{}", OWN.to_uppercase()), true),
            (format!("/api/v1/connections/{OWN}/settings"), true),
            ("/api/v1/connections".to_owned(), true),
            (
                "/api/v1/connections/0190d2a0-0000-7000-8000-000000000002".to_owned(),
                false,
            ),
            (format!("/api/v1/connections/x/../{OWN}"), false),
            ("/api/v1/tokens".to_owned(), false),
        ];
        for (path, reached) in rows {
            assert_eq!(one.covers_path(&path, true), reached, "{path}");
            assert!(Reach::Everything.covers_path(&path, false));
        }
        assert!(!one.covers_path("/api/v1/connections", false));
    }
}
