//! Contacts of mailboxes: whole, by changes, each mailbox for itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::contact::ContactId;
use shared::domain::mailbox::{MailboxId, MailboxPurpose, Unreadable};
use shared::ports::{DirectoryError, MailboxError, MailboxMemory, Mailboxes as _};
use simulators::graph::{FaultKind, Graph, MailboxState};
use uuid::Uuid;

use crate::support::{APP, Cloud, TENANT};

fn contact(number: usize) -> Value {
    json!({ "displayName": format!("Contact {number:04}"), "businessPhones": [format!("030 {number}")] })
}

async fn with_contacts(count: usize) -> (Cloud, Uuid, Vec<String>) {
    let cloud = Cloud::start().await;
    let owner = cloud.user("Ann Archer");
    let ids = fill(&cloud.graph(), owner, count);
    (cloud, owner, ids)
}

fn fill(graph: &Arc<Graph>, owner: Uuid, count: usize) -> Vec<String> {
    let made = (0..count).map(|number| {
        graph
            .create_contact(TENANT, owner, (None, &contact(number)))
            .unwrap()
    });
    made.collect()
}

fn ids(memory: &MailboxMemory) -> BTreeSet<ContactId> {
    memory.contacts().into_keys().collect()
}

fn why(error: MailboxError) -> Unreadable {
    match error {
        MailboxError::Unreadable { why, .. } => why,
        MailboxError::Directory(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_mailbox_is_read_whole_and_then_by_changes() {
    let (cloud, owner, made) = with_contacts(1_234).await;
    let (client, mailbox) = (cloud.client(), MailboxId::from(owner));
    let read = client.read_contacts(mailbox, None).await.unwrap();
    assert!(read.changed);
    assert_eq!(ids(&read.memory).len(), 1_234);
    cloud.graph().clear_requests();
    let again = client.read_contacts(mailbox, Some(read.memory)).await.unwrap();
    assert!(!again.changed);
    assert_eq!(cloud.calls("/v1.0/users"), 2);
    let graph = cloud.graph();
    graph.delete_contact(TENANT, owner, &made[0]).unwrap();
    graph
        .update_contact(TENANT, owner, (&made[1], &json!({ "companyName": "Contoso" })))
        .unwrap();
    fill(&graph, owner, 1);
    let next = client.read_contacts(mailbox, Some(again.memory)).await.unwrap();
    assert!(next.changed);
    let contacts = next.memory.contacts();
    assert_eq!(contacts.len(), 1_234);
    assert_eq!(
        contacts
            .values()
            .filter(|contact| contact.company == "Contoso")
            .count(),
        1
    );
}

#[tokio::test]
async fn every_folder_is_read_however_deep() {
    let (cloud, owner, _) = with_contacts(1).await;
    let graph = cloud.graph();
    let folder = graph
        .add_contact_folder(TENANT, owner, ("Partners", None))
        .unwrap();
    let nested = graph
        .add_contact_folder(TENANT, owner, ("Old", Some(&folder)))
        .unwrap();
    graph
        .create_contact(TENANT, owner, (Some(&nested), &contact(77)))
        .unwrap();
    let read = cloud.client().read_contacts(owner.into(), None).await.unwrap();
    assert_eq!((ids(&read.memory).len(), read.memory.folders.len()), (2, 3));
}

#[tokio::test]
async fn a_default_folder_that_was_empty_is_found_when_it_fills() {
    let (cloud, owner, _) = with_contacts(0).await;
    let client = cloud.client();
    let read = client.read_contacts(owner.into(), None).await.unwrap();
    assert!(ids(&read.memory).is_empty());
    fill(&cloud.graph(), owner, 2);
    let next = client
        .read_contacts(owner.into(), Some(read.memory))
        .await
        .unwrap();
    assert_eq!(ids(&next.memory).len(), 2);
}

#[tokio::test]
async fn a_lost_state_and_an_old_one_are_read_anew() {
    let (cloud, owner, _) = with_contacts(30).await;
    let client = cloud.client();
    let read = client.read_contacts(owner.into(), None).await.unwrap();
    cloud.graph().expire_delta_tokens(TENANT).unwrap();
    let again = client
        .read_contacts(owner.into(), Some(read.memory))
        .await
        .unwrap();
    assert_eq!(ids(&again.memory).len(), 30);
    cloud.clock.advance(Duration::from_hours(4 * 24));
    let kept = client
        .read_contacts(owner.into(), Some(again.memory))
        .await
        .unwrap();
    assert!(kept.changed, "links are stored anew before they end");
    cloud.clock.advance(Duration::from_hours(40 * 24));
    let old = client
        .read_contacts(owner.into(), Some(kept.memory))
        .await
        .unwrap();
    assert_eq!(old.memory.read_at, cloud.clock.now());
}

#[tokio::test]
async fn a_mailbox_that_cannot_be_read_says_why() {
    let (cloud, owner, _) = with_contacts(1).await;
    let client = cloud.client();
    for (state, expected) in [
        (MailboxState::None, Unreadable::NoMailbox),
        (MailboxState::OnPremises, Unreadable::NoMailbox),
        (MailboxState::SoftDeleted, Unreadable::NoMailbox),
        (MailboxState::Excluded, Unreadable::Denied),
    ] {
        cloud.graph().set_mailbox_state(TENANT, owner, state).unwrap();
        let error = client.read_contacts(owner.into(), None).await.unwrap_err();
        assert_eq!(why(error), expected, "{state:?}");
    }
    let nobody = MailboxId::from(Uuid::from_u128(404));
    assert_eq!(
        why(client.read_contacts(nobody, None).await.unwrap_err()),
        Unreadable::NoAccount
    );
}

#[tokio::test]
async fn a_throttled_mailbox_holds_up_no_other() {
    let (cloud, owner, _) = with_contacts(1).await;
    let other = cloud.user("Bo Baker");
    fill(&cloud.graph(), other, 1);
    cloud.fault(
        &format!("/v1.0/users/{owner}/contact*"),
        0,
        1_000,
        FaultKind::Throttle {
            retry_after: Some("50".into()),
        },
    );
    let client = cloud.client();
    assert_eq!(
        why(client.read_contacts(owner.into(), None).await.unwrap_err()),
        Unreadable::Unavailable
    );
    let before = cloud.seconds();
    assert_eq!(
        ids(&client.read_contacts(other.into(), None).await.unwrap().memory).len(),
        1
    );
    assert_eq!(cloud.seconds(), before, "nobody waits for another mailbox");
}

#[tokio::test]
async fn a_page_that_breaks_off_is_no_shorter_mailbox() {
    let (cloud, owner, _) = with_contacts(700).await;
    cloud.fault("/v1.0/users/*/contacts/delta", 1, 1_000, FaultKind::Html502);
    let error = cloud
        .client()
        .read_contacts(owner.into(), None)
        .await
        .unwrap_err();
    assert_eq!(why(error), Unreadable::Unavailable);
}

#[tokio::test]
async fn purposes_are_asked_twenty_a_call_and_a_missing_permission_is_named() {
    let cloud = Cloud::start().await;
    let people = cloud.users(45);
    cloud
        .graph()
        .set_mailbox_state(TENANT, people[3], MailboxState::Shared)
        .unwrap();
    cloud
        .graph()
        .set_mailbox_state(TENANT, people[4], MailboxState::None)
        .unwrap();
    cloud
        .graph()
        .set_mailbox_state(TENANT, people[5], MailboxState::Excluded)
        .unwrap();
    let accounts: BTreeSet<MailboxId> = people.iter().map(|id| MailboxId::from(*id)).collect();
    cloud.graph().clear_requests();
    let purposes = cloud.client().purposes(&accounts).await.unwrap();
    assert_eq!(cloud.calls("/v1.0/$batch"), 3);
    assert_eq!(purposes.len(), 45);
    let of = |n: usize| purposes[&MailboxId::from(people[n])];
    assert_eq!(
        [of(2), of(3), of(4), of(5)],
        [
            MailboxPurpose::User,
            MailboxPurpose::Shared,
            MailboxPurpose::None,
            MailboxPurpose::Hidden
        ]
    );
    cloud
        .graph()
        .revoke_role(TENANT, APP, "MailboxSettings.Read")
        .unwrap();
    let error = cloud.client().purposes(&accounts).await.unwrap_err();
    assert!(
        matches!(error, DirectoryError::PermissionMissing { ref permission } if permission == "MailboxSettings.Read"),
        "{error}"
    );
}

#[tokio::test]
async fn accounts_are_found_by_name_address_and_mail_alone() {
    let cloud = Cloud::start().await;
    let owner = cloud.user("Ann O'Brien");
    cloud.user("Bo Baker");
    let other = json!({ "displayName": "Sales", "userPrincipalName": "box17@one.example", "mail": "sales@one.example",
        "accountEnabled": false, "userType": "Member" });
    let sales = cloud.graph().create_user(TENANT, &other).unwrap();
    let client = cloud.client();
    let found = client
        .lookup_account("ann.o'brien@one.example")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.id, MailboxId::from(owner));
    let found = client.lookup_account("sales@one.example").await.unwrap().unwrap();
    assert_eq!((found.id, found.name.as_str()), (MailboxId::from(sales), "Sales"));
    assert_eq!(client.lookup_account("nobody@one.example").await.unwrap(), None);
    assert_eq!(client.list_accounts(None).await.unwrap().len(), 3);
    assert_eq!(client.list_accounts(Some("Sal")).await.unwrap().len(), 1);
    assert_eq!(client.list_accounts(Some("ann.o'")).await.unwrap().len(), 1);
}
