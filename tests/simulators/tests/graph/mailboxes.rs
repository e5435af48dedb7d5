//! Mailboxes: their states, lists that page by offset, change reads of a folder, ids that stay or do not, and who may read.

use serde_json::{Value, json};
use simulators::graph::{MailboxChange, MailboxState};
use uuid::Uuid;

use crate::support::{APP, Cloud, Got, TENANT, read};

fn contact(number: usize) -> Value {
    json!({ "displayName": format!("Contact {number:03}"), "businessPhones": [format!("030 {number}")] })
}

async fn with_contacts(count: usize) -> (Cloud, Uuid, Vec<String>) {
    let cloud = Cloud::start().await;
    let owner = cloud.user("Ann Archer");
    let ids = (0..count)
        .map(|number| {
            cloud
                .graph()
                .create_contact(TENANT, owner, (None, &contact(number)))
                .unwrap()
        })
        .collect();
    (cloud, owner, ids)
}

async fn preferring(cloud: &Cloud, path: &str, wishes: &[&str]) -> Got {
    let mut request = cloud.request(http::Method::GET, path);
    for wish in wishes {
        request = request.header("Prefer", *wish);
    }
    read(request).await
}

const IMMUTABLE: &str = "IdType=\"ImmutableId\"";

#[tokio::test]
async fn each_state_of_a_mailbox_has_its_answer() {
    let (cloud, owner, _) = with_contacts(1).await;
    let path = format!("/users/{owner}/contacts");
    for (state, status, code) in [
        (MailboxState::None, 404, "MailboxNotEnabledForRESTAPI"),
        (MailboxState::OnPremises, 404, "MailboxNotEnabledForRESTAPI"),
        (MailboxState::SoftDeleted, 404, "MailboxNotEnabledForRESTAPI"),
        (MailboxState::Excluded, 403, "ErrorAccessDenied"),
    ] {
        cloud.graph().set_mailbox_state(TENANT, owner, state).unwrap();
        cloud.get(&path).await.refused(status, code);
    }
    cloud
        .get("/users/nobody@one.example/contacts")
        .await
        .refused(404, "ErrorInvalidUser");
    let purpose = format!("/users/{owner}/mailboxSettings/userPurpose");
    for (state, word) in [
        (MailboxState::Normal, "user"),
        (MailboxState::Shared, "shared"),
        (MailboxState::Room, "room"),
    ] {
        cloud.graph().set_mailbox_state(TENANT, owner, state).unwrap();
        assert_eq!(cloud.get(&purpose).await.body["value"], json!(word));
    }
}

#[tokio::test]
async fn lists_page_by_offset_and_ten_at_a_time() {
    let (cloud, owner, _) = with_contacts(23).await;
    let first = cloud.get(&format!("/users/{owner}/contacts")).await;
    assert_eq!(first.ids().len(), 10);
    assert!(
        first.next().contains("%24skip=10") || first.next().contains("$skip=10"),
        "{}",
        first.next()
    );
    let (all, _) = cloud.follow(&format!("/users/{owner}/contacts?$top=9")).await;
    assert_eq!(all.len(), 23);
    cloud
        .get(&format!("/users/{owner}/contacts?$top=1001"))
        .await
        .refused(400, "ErrorInvalidUrlQuery");
    let change = MailboxChange {
        distribution_lists: Some(2),
        ..MailboxChange::default()
    };
    cloud.graph().change_mailbox(TENANT, owner, &change).unwrap();
    let counted = cloud
        .get(&format!("/users/{owner}/contacts?$count=true&$top=100"))
        .await;
    assert_eq!(
        counted.body["@odata.count"],
        json!(25),
        "lists are counted and not returned"
    );
    assert_eq!(counted.ids().len(), 23);
}

#[tokio::test]
async fn the_default_folder_is_in_no_list_unless_switched_on() {
    let (cloud, owner, _) = with_contacts(1).await;
    let folders = format!("/users/{owner}/contactFolders");
    assert!(cloud.get(&folders).await.ids().is_empty());
    let place = cloud
        .get(&format!("/users/{owner}/contacts?$top=1&$select=parentFolderId"))
        .await;
    let default = place.body["value"][0]["parentFolderId"]
        .as_str()
        .unwrap()
        .to_owned();
    let change = MailboxChange {
        default_listed: Some(true),
        ..MailboxChange::default()
    };
    cloud.graph().change_mailbox(TENANT, owner, &change).unwrap();
    assert_eq!(cloud.get(&folders).await.ids(), [default]);
    let parent = cloud
        .graph()
        .add_contact_folder(TENANT, owner, ("Partners", None))
        .unwrap();
    let child = cloud
        .graph()
        .add_contact_folder(TENANT, owner, ("Old", Some(&parent)))
        .unwrap();
    assert_eq!(
        cloud.get(&folders).await.ids().len(),
        2,
        "nested ones are below their parent"
    );
    assert_eq!(
        cloud.get(&format!("{folders}/{parent}/childFolders")).await.ids(),
        [child]
    );
}

#[tokio::test]
async fn changes_are_told_by_folder_and_each_round_once() {
    let (cloud, owner, ids) = with_contacts(23).await;
    let mailbox = cloud.graph().mailbox(TENANT, owner).unwrap().unwrap();
    let path = format!(
        "/users/{owner}/contactFolders/{}/contacts/delta?$select=displayName",
        mailbox.default_folder
    );
    let (all, link) = cloud.follow(&path).await;
    assert_eq!(all.len(), 23);
    let link = link.unwrap();
    assert!(
        cloud.get(&link).await.body["value"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let graph = cloud.graph();
    graph
        .update_contact(TENANT, owner, (&ids[0], &json!({ "displayName": "Moved" })))
        .unwrap();
    graph.delete_contact(TENANT, owner, &ids[1]).unwrap();
    let folder = graph
        .add_contact_folder(TENANT, owner, ("Partners", None))
        .unwrap();
    graph
        .move_contact(TENANT, owner, (&ids[2], Some(&folder)))
        .unwrap();
    let (changes, next) = cloud.follow(&link).await;
    let removed = changes
        .iter()
        .filter(|change| change.get("@removed").is_some())
        .count();
    assert_eq!(
        (changes.len(), removed),
        (3, 2),
        "deleted and moved away look the same"
    );
    assert!(
        cloud.get(&next.unwrap()).await.body["value"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    cloud
        .get(&format!("{path}&$top=5"))
        .await
        .refused(400, "ErrorInvalidUrlQuery");
    let page = preferring(&cloud, &path, &["odata.maxpagesize=5"]).await;
    assert_eq!(page.ids().len(), 5);
    graph.expire_delta_tokens(TENANT).unwrap();
    cloud.get(&link).await.refused(410, "SyncStateNotFound");
}

#[tokio::test]
async fn ids_stay_only_for_who_asks_for_immutable_ones() {
    let (cloud, owner, ids) = with_contacts(1).await;
    let path = format!("/users/{owner}/contacts");
    let before = (
        cloud.get(&path).await.ids(),
        preferring(&cloud, &path, &[IMMUTABLE]).await.ids(),
    );
    let folder = cloud
        .graph()
        .add_contact_folder(TENANT, owner, ("Partners", None))
        .unwrap();
    cloud
        .graph()
        .move_contact(TENANT, owner, (&ids[0], Some(&folder)))
        .unwrap();
    cloud
        .graph()
        .move_contact(TENANT, owner, (&ids[0], None))
        .unwrap();
    let after = (
        cloud.get(&path).await.ids(),
        preferring(&cloud, &path, &[IMMUTABLE]).await.ids(),
    );
    assert_ne!(before.0, after.0);
    assert_eq!(before.1, after.1);
}

#[tokio::test]
async fn a_mailbox_takes_four_requests_at_once() {
    let (cloud, owner, _) = with_contacts(1).await;
    let other = cloud.user("Bo Baker");
    cloud.behave(|behaviour| behaviour.latency_ms = 150);
    let (path, elsewhere) = (
        format!("/users/{owner}/contacts"),
        format!("/users/{other}/contacts"),
    );
    let gets = (0..6).map(|_| cloud.get(&path));
    let (answers, beside) = tokio::join!(futures::future::join_all(gets), cloud.get(&elsewhere));
    let refused: Vec<&Got> = answers.iter().filter(|got| got.status == 429).collect();
    assert_eq!(refused.len(), 2);
    assert_eq!(refused[0].code(), "ApplicationThrottled");
    assert!(refused[0].header("retry-after").is_some());
    assert_eq!(beside.status, 200, "another mailbox has its own limit");
    assert_eq!(
        cloud.get(&path).await.status,
        200,
        "and it is over with the requests"
    );
}

#[tokio::test]
async fn roles_decide_what_an_app_may_read() {
    let (mut cloud, owner, _) = with_contacts(1).await;
    cloud.graph().revoke_role(TENANT, APP, "Contacts.Read").unwrap();
    cloud.sign_in().await;
    cloud
        .get(&format!("/users/{owner}/contacts"))
        .await
        .refused(403, "ErrorAccessDenied");
    assert_eq!(
        cloud
            .get(&format!("/users/{owner}/mailboxSettings/userPurpose"))
            .await
            .status,
        200
    );
}
