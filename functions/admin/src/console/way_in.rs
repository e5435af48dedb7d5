//! What somebody at the door asks for: through which connection they sign in, and where they go on. Every link of the door
//! keeps both.

use std::collections::BTreeMap;

use shared::domain::ids::ConnectionId;
use url::form_urlencoded;
use web::{Language, safe_path};

use super::{MICROSOFT, SIGN_IN};

/// What somebody at the door asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayIn {
    named: Option<ConnectionId>,
    /// A path of our own.
    pub return_to: String,
}

impl WayIn {
    /// Of a query or of the door's own form.
    pub fn of(pairs: &BTreeMap<String, String>) -> Self {
        let named = pairs.get("connection");
        Self {
            named: named.and_then(|id| ConnectionId::parse(id).ok()),
            return_to: safe_path(pairs.get("return_to").map(String::as_str)).to_owned(),
        }
    }

    /// The connection that was named, else the one whose page is wanted.
    pub fn connection(&self) -> Option<ConnectionId> {
        self.named.or_else(|| connection_of(&self.return_to))
    }

    /// The door in this language.
    pub fn in_language(&self, language: Language) -> String {
        self.address(SIGN_IN, self.connection(), &[("lang", language.tag())])
    }

    /// On to Microsoft, with the app of this connection.
    pub fn through(&self, connection: ConnectionId) -> String {
        self.address(MICROSOFT, Some(connection), &[])
    }

    fn address(&self, path: &str, connection: Option<ConnectionId>, more: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(id) = connection {
            query.append_pair("connection", &id.to_string());
        }
        if self.return_to != "/" {
            query.append_pair("return_to", &self.return_to);
        }
        format!("{path}?{}", query.extend_pairs(more).finish())
    }
}

/// The door, and from there back to this path: its own signs may not pass for those of the query.
pub fn back_to(path: &str) -> String {
    let path = path.replace('%', "%25").replace('&', "%26").replace('+', "%2B");
    format!("{SIGN_IN}?return_to={path}")
}

/// Where the people of one connection sign in.
pub fn door_of(connection: ConnectionId) -> String {
    format!("{SIGN_IN}?connection={connection}")
}

fn connection_of(path: &str) -> Option<ConnectionId> {
    let rest = path.strip_prefix("/console/connections/")?;
    let id = rest.split(['/', '?']).next()?;
    ConnectionId::parse(id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0190d2a0-0000-7000-8000-000000000001";
    const OTHER: &str = "0190d2a0-0000-7000-8000-000000000002";

    fn asked(pairs: &[(&str, &str)]) -> WayIn {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        WayIn::of(&pairs.iter().map(pair).collect())
    }

    #[test]
    fn a_path_names_no_connection_but_its_own() {
        let path = format!("/console/connections/{ONE}/people/a&connection={OTHER}");
        let door = back_to(&path);
        let asked = web::pairs(door.split_once('?').unwrap().1).unwrap();
        let way = WayIn::of(&asked);
        assert_eq!(way.connection(), Some(ConnectionId::parse(ONE).unwrap()));
    }

    #[test]
    fn a_connection_is_named_or_is_that_of_the_page_that_is_wanted() {
        let page = |rest: &str| format!("/console/connections/{rest}");
        let rows = [
            (ONE, "/".to_owned(), Some(ONE)),
            ("", page(ONE), Some(ONE)),
            ("", page(&format!("{ONE}/runs")), Some(ONE)),
            ("", page(&format!("{ONE}?done=saved")), Some(ONE)),
            (OTHER, page(ONE), Some(OTHER)),
            ("x", page(ONE), Some(ONE)),
            ("", page("x/runs"), None),
            ("", format!("//evil.example{}", page(ONE)), None),
            ("", "/console".to_owned(), None),
        ];
        for (named, return_to, found) in rows {
            let way = asked(&[("connection", named), ("return_to", &return_to)]);
            let id = way.connection().map(|id| id.to_string());
            assert_eq!(id.as_deref(), found, "{named} {return_to}");
        }
        assert_eq!(asked(&[]).connection(), None);
    }

    #[test]
    fn links_of_the_door_keep_what_was_asked_for_and_gain_nothing() {
        let way = asked(&[
            ("return_to", &format!("/console?a=b&connection={OTHER}")),
            ("connection", ONE),
        ]);
        let kept = format!("connection={ONE}&return_to=%2Fconsole%3Fa%3Db%26connection%3D{OTHER}");
        assert_eq!(
            way.in_language(Language::Chinese),
            format!("/console/sign-in?{kept}&lang=zh-CN")
        );
        let id = ConnectionId::parse(ONE).unwrap();
        assert_eq!(way.through(id), format!("/console/sign-in/microsoft?{kept}"));
        assert_eq!(
            asked(&[]).in_language(Language::English),
            "/console/sign-in?lang=en"
        );
        assert_eq!(door_of(id), format!("/console/sign-in?connection={ONE}"));
    }
}
