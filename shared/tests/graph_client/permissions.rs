//! What the app may do, asked of Graph.

use shared::ports::{Directory, DirectoryError};

use crate::support::{APP, Cloud, TENANT, all};

const NEEDED: [&str; 6] = [
    "User.Read.All",
    "Group.Read.All",
    "Presence.Read.All",
    "Contacts.Read",
    "MailboxSettings.Read",
    "Application.Read.All",
];

#[tokio::test]
async fn nothing_is_missing_when_everything_is_granted() {
    let cloud = Cloud::start().await;
    let client = cloud.client();
    assert!(client.missing_permissions(&NEEDED[..2]).await.unwrap().is_empty());
    assert_eq!(cloud.graph().requests().len(), 3);
}

#[tokio::test]
async fn each_missing_permission_is_named_alone() {
    let cloud = Cloud::start().await;
    cloud.user("Ada");
    let client = cloud.client();
    for role in ["User.Read.All", "Group.Read.All", "Application.Read.All"] {
        cloud.graph().revoke_role(TENANT, APP, role).unwrap();
        let needed = ["User.Read.All", "Group.Read.All", "Application.Read.All"];
        assert_eq!(client.missing_permissions(&needed).await.unwrap(), [role]);
        cloud.graph().grant_role(TENANT, APP, role).unwrap();
    }
    assert!(
        client
            .missing_permissions(&["User.Read.All"])
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn without_consent_reads_name_the_permission() {
    let cloud = Cloud::start().await;
    cloud.graph().set_consent(TENANT, APP, false).unwrap();
    let error = all(&cloud.client()).await.unwrap_err();
    assert!(
        matches!(&error, DirectoryError::PermissionMissing { permission } if permission == "User.Read.All"),
        "{error:?}"
    );
}
