//! From an item to a notice. An item counts only with a secret word that our key made, which is looked at first, and its ids
//! only as GUIDs; no text of it goes anywhere.

use shared::changes::{News, Notice};
use shared::domain::client_state::ClientStateKey;
use shared::domain::ids::{EntraUserId, SubscriptionId, TenantId};
use shared::domain::subscription::SubscriptionKind;

use crate::payload::Item;
use crate::tally::Refused;

/// What an item says, if it is ours to listen to.
pub fn verify(item: &Item<'_>, key: &ClientStateKey) -> Result<Notice, Refused> {
    let by = item
        .client_state()
        .and_then(|word| key.verify(word))
        .ok_or(Refused::Forged)?;
    let (Some(subscription), Some(tenant)) = (item.subscription(), item.tenant()) else {
        return Err(Refused::Unreadable);
    };
    Ok(Notice {
        by,
        subscription: SubscriptionId::parse(subscription).map_err(|_| Refused::Unreadable)?,
        tenant: TenantId::parse(tenant).map_err(|_| Refused::Unreadable)?,
        news: news(item, by.kind)?,
    })
}

fn news(item: &Item<'_>, kind: SubscriptionKind) -> Result<News, Refused> {
    match item.lifecycle_event() {
        Some("reauthorizationRequired") => Ok(News::Reauthorise),
        Some("missed") => Ok(News::Missed),
        Some("subscriptionRemoved") => Ok(News::Removed),
        Some(_) => Err(Refused::Unknown),
        None => changed(item, kind),
    }
}

fn changed(item: &Item<'_>, kind: SubscriptionKind) -> Result<News, Refused> {
    let (of, object) = item.resource().and_then(object).ok_or(Refused::Unreadable)?;
    let said_again = item.object_id().map(EntraUserId::parse);
    if of != kind || said_again.is_some_and(|id| id != Ok(object)) {
        return Err(Refused::Unreadable);
    }
    let deleted = item
        .change_type()
        .is_some_and(|change| change.eq_ignore_ascii_case("deleted"));
    Ok(News::Changed {
        object: object.as_uuid(),
        deleted,
    })
}

/// `Users/<guid>`, in any letter case, with or without a slash before it or the key in brackets; nothing else.
fn object(resource: &str) -> Option<(SubscriptionKind, EntraUserId)> {
    let path = resource.strip_prefix('/').unwrap_or(resource);
    let (collection, id) = match path.split_once('/') {
        Some(parts) => parts,
        None => path.strip_suffix("')")?.split_once("('")?,
    };
    let kind = SubscriptionKind::of_resource(collection)?;
    Some((kind, EntraUserId::parse(id).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5f7a0000-0000-4000-8000-000000000001";

    // case: 11
    #[test]
    fn only_a_plain_path_to_one_object_names_it() {
        let good = [
            format!("Users/{ID}"),
            format!("/users/{ID}"),
            format!("users('{ID}')"),
            format!("/Groups('{ID}')"),
            format!("USERS/{}", ID.to_uppercase()),
        ];
        for resource in good {
            assert!(object(&resource).is_some(), "{resource}");
        }
        let bad = [
            format!("Users/../groups/{ID}"),
            format!("Users/{ID}/../../groups/{ID}"),
            format!("https://evil.example/users/{ID}"),
            format!("//evil.example/users/{ID}"),
            format!("//users/{ID}"),
            format!("//users('{ID}')"),
            format!("Users/%2e%2e/{ID}"),
            format!("Users%2f{ID}"),
            format!("Users\\{ID}"),
            format!("Users/{ID}/"),
            format!("Users/{ID}?x=1"),
            format!("Users/{ID}\0"),
            format!("Users('{ID}"),
            format!("Users/{{{ID}}}"),
            format!("Users/{}", ID.replace('-', "")),
            format!("applications/{ID}"),
            "Users/".to_owned(),
            String::new(),
        ];
        for resource in bad {
            assert!(object(&resource).is_none(), "{resource}");
        }
    }
}
