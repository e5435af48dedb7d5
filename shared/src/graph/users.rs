//! Reads of people outside the change reads. A listed person without an id, or a list without an end, is an error.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, StatusCode};

use super::by_ids::Wanted;
use super::client::{Call, GraphClient};
use super::error::{Failure, unexpected};
use super::number_path::NumberPath;
use super::pages::Chain;
use super::wire;
use crate::domain::entra_user::{EntraUser, UserChange};
use crate::domain::ids::EntraUserId;
use crate::ports::{DirectoryError, UserQuery};

/// What a sync reads of everybody.
const PROPERTIES: &str =
    "id,displayName,givenName,surname,userPrincipalName,mail,mobilePhone,jobTitle,accountEnabled,userType";
/// The permission that every read of people needs.
pub(super) const PERMISSION: &str = "User.Read.All";

/// People by id.
pub(super) type Users = BTreeMap<EntraUserId, EntraUser>;

/// The property of the number rule, if there is one.
pub(super) fn number_path(query: &UserQuery) -> Result<Option<NumberPath>, DirectoryError> {
    query
        .number_property
        .as_deref()
        .map(NumberPath::parse)
        .transpose()
        .map_err(|detail| unexpected(format!("the property of the number rule: {detail}")))
}

/// The value of `$select`.
pub(super) fn select(number: Option<&NumberPath>) -> String {
    match number.map(NumberPath::property) {
        Some(name) if !PROPERTIES.split(',').any(|property| property == name) => {
            format!("{PROPERTIES},{name}")
        }
        _ => PROPERTIES.to_owned(),
    }
}

impl GraphClient {
    pub(super) async fn read_all_users(&self, query: &UserQuery) -> Result<Users, DirectoryError> {
        let patience = self.patience();
        let mut may_restart = true;
        loop {
            let mut users = Users::new();
            match self.read_users_once(query, &patience, &mut users).await {
                Ok(()) => return Ok(users),
                // Links of repeated answers can be dead; the list then is read from its start.
                Err(Failure::Refused(refusal)) if refusal.is_lost_page() && may_restart => {
                    may_restart = false;
                }
                Err(failure) => return Err(failure.into_error("reading all users", PERMISSION)),
            }
        }
    }

    async fn read_users_once(
        &self,
        query: &UserQuery,
        patience: &super::retry::Patience,
        users: &mut Users,
    ) -> Result<(), Failure> {
        let number = number_path(query)?;
        let url = self.url(&format!("/users?$select={}&$top=999", select(number.as_ref())))?;
        let first = Call {
            url,
            method: Method::GET,
            body: None,
            advanced: false,
            yielding: true,
            doing: "reading all users",
        };
        let parse = |body: &[u8]| wire::user_page(body, number.as_ref());
        self.read_chain(Chain { first, patience }, parse, |page| keep(users, page))
            .await?;
        Ok(())
    }

    pub(super) async fn read_users_by_id(
        &self,
        ids: &BTreeSet<EntraUserId>,
        query: &UserQuery,
    ) -> Result<Users, DirectoryError> {
        let number = number_path(query)?;
        let wanted = Wanted {
            kind: "user",
            select: &select(number.as_ref()),
            yielding: false,
            doing: "reading users by id",
            permission: PERMISSION,
        };
        let parse = |body: &[u8]| wire::user_page(body, number.as_ref());
        let mut users = Users::new();
        let ids = ids.iter().map(ToString::to_string);
        self.read_by_ids(ids, &wanted, parse, |page| keep(&mut users, page))
            .await?;
        Ok(users)
    }

    pub(super) async fn read_one_user(
        &self,
        id_or_upn: &str,
        query: &UserQuery,
    ) -> Result<Option<EntraUser>, DirectoryError> {
        let number = number_path(query)?;
        let Some(segment) = user_segment(id_or_upn) else {
            return Ok(None);
        };
        let doing = "looking up a user";
        let url = self.url(&format!("{segment}?$select={}", select(number.as_ref())))?;
        let call = Call {
            url,
            method: Method::GET,
            body: None,
            advanced: false,
            yielding: false,
            doing,
        };
        match self
            .fetch(&call, &self.patience(), |body| wire::user(body, number.as_ref()))
            .await
        {
            Ok(UserChange::Present(user)) => Ok(Some(*user)),
            Ok(UserChange::Removed(_)) => Ok(None),
            Err(Failure::Refused(refusal)) if refusal.status == StatusCode::NOT_FOUND => Ok(None),
            Err(failure) => Err(failure.into_error(doing, PERMISSION)),
        }
    }
}

/// The path of one person; `None` for text that is neither an object id nor a sign-in name, so that no other resource
/// is ever addressed by it.
fn user_segment(id_or_upn: &str) -> Option<String> {
    if EntraUserId::parse(id_or_upn).is_ok() {
        return Some(format!("/users/{id_or_upn}"));
    }
    if !id_or_upn.contains('@') || id_or_upn.len() > 1024 {
        return None;
    }
    let quoted = id_or_upn.replace('\'', "''");
    if id_or_upn.starts_with('$') {
        return Some(format!(
            "/users('{}')",
            utf8_percent_encode(&quoted, NON_ALPHANUMERIC)
        ));
    }
    Some(format!(
        "/users/{}",
        utf8_percent_encode(id_or_upn, NON_ALPHANUMERIC)
    ))
}

fn keep(users: &mut Users, page: Vec<UserChange>) {
    for change in page {
        match change {
            UserChange::Present(user) => {
                users.insert(user.id, *user);
            }
            UserChange::Removed(id) => {
                users.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_addressed_and_nothing_else() {
        let id = "5f7a0000-0000-0000-0000-000000000001";
        assert_eq!(user_segment(id), Some(format!("/users/{id}")));
        assert_eq!(
            user_segment("a#EXT#@x.test").as_deref(),
            Some("/users/a%23EXT%23%40x%2Etest")
        );
        assert_eq!(
            user_segment("$o'k@x").as_deref(),
            Some("/users('%24o%27%27k%40x')")
        );
        for other in ["", "..", "delta", "$count", "../groups"] {
            assert_eq!(user_segment(other), None, "{other}");
        }
    }

    #[test]
    fn the_number_property_is_selected_once() {
        let path = |text: &str| NumberPath::parse(text).unwrap();
        assert_eq!(select(Some(&path("mobilePhone"))), PROPERTIES);
        assert!(
            select(Some(&path("onPremisesExtensionAttributes.extensionAttribute1")))
                .ends_with(",userType,onPremisesExtensionAttributes")
        );
    }
}
