//! Hydration by ids, the recycle bin, secret expiry and the tenant itself.

use serde_json::json;
use uuid::Uuid;

use crate::support::{APP, Cloud, OTHER_TENANT, TENANT};

#[tokio::test]
async fn ids_are_hydrated_and_unknown_ones_left_out() {
    let cloud = Cloud::start().await;
    let ada = cloud.user("Ada");
    let group = cloud.group("Group", &[]);
    let body =
        json!({ "ids": [ada.to_string(), group.to_string(), Uuid::nil().to_string()], "types": ["user"] });
    let got = cloud
        .post("/directoryObjects/getByIds?$select=id,displayName", &body)
        .await;
    let wanted =
        json!({ "@odata.type": "#microsoft.graph.user", "id": ada.to_string(), "displayName": "Ada" });
    assert_eq!(got.body["value"], json!([wanted]));
    assert_eq!(got.header("x-ms-resource-unit"), Some("2"));
    assert_eq!(
        cloud
            .post("/directoryObjects/getByIds", &body)
            .await
            .header("x-ms-resource-unit"),
        Some("5")
    );
    let many: Vec<String> = (0..1001)
        .map(|number| Uuid::from_u128(number).to_string())
        .collect();
    let got = cloud
        .post("/directoryObjects/getByIds", &json!({ "ids": many }))
        .await;
    got.refused(400, "Request_BadRequest");
}

#[tokio::test]
async fn the_recycle_bin_holds_deleted_users() {
    let cloud = Cloud::start().await;
    let ada = cloud.user("Ada");
    cloud.graph().delete_user(TENANT, ada).unwrap();
    let bin = "/directory/deletedItems/microsoft.graph.user?$select=id,deletedDateTime";
    let wanted = json!([{ "id": ada.to_string(), "deletedDateTime": "2026-03-01T10:15:00Z" }]);
    assert_eq!(cloud.get(bin).await.body["value"], wanted);
    assert_eq!(
        cloud.get(&format!("/directory/deletedItems/{ada}")).await.body["id"],
        ada.to_string()
    );
    cloud
        .get(&format!("/users/{ada}"))
        .await
        .refused(404, "Request_ResourceNotFound");
    cloud
        .get(&format!("{bin}&$orderby=deletedDateTime"))
        .await
        .refused(400, "Request_UnsupportedQuery");
    cloud.graph().restore_user(TENANT, ada).unwrap();
    assert!(cloud.get(bin).await.ids().is_empty());
    assert_eq!(cloud.get("/users/ada@one.example").await.status, 200);
}

#[tokio::test]
async fn an_app_reads_when_its_secrets_end() {
    let mut cloud = Cloud::start().await;
    let path = format!("/applications(appId='{APP}')?$select=id,appId,passwordCredentials,keyCredentials");
    let got = cloud.get(&path).await;
    let secret = &got.body["passwordCredentials"][0];
    assert_eq!(
        (&secret["endDateTime"], &secret["hint"]),
        (&json!("2027-03-01T10:15:00Z"), &json!("s3c"))
    );
    assert_eq!(secret["secretText"], json!(null));
    let listed = cloud
        .get(&format!("/applications?$filter=appId eq '{APP}'&$select=appId"))
        .await;
    assert_eq!(listed.body["value"], json!([{ "appId": APP }]));
    cloud
        .get(&format!("/applications(appId='{OTHER_TENANT}')"))
        .await
        .refused(404, "Request_ResourceNotFound");
    cloud
        .graph()
        .revoke_role(TENANT, APP, "Application.Read.All")
        .unwrap();
    cloud.sign_in().await;
    cloud.get(&path).await.refused(403, "Authorization_RequestDenied");
    cloud
        .graph()
        .grant_role(TENANT, APP, "Application.ReadWrite.OwnedBy")
        .unwrap();
    cloud.sign_in().await;
    assert_eq!(cloud.get(&path).await.status, 200);
}

#[tokio::test]
async fn the_tenant_has_a_name() {
    let cloud = Cloud::start().await;
    let got = cloud.get("/organization").await;
    assert_eq!(
        (&got.body["value"][0]["id"], &got.body["value"][0]["displayName"]),
        (&json!(TENANT), &json!("one"))
    );
}

#[tokio::test]
async fn each_path_wants_its_role() {
    let mut cloud = Cloud::start().await;
    let group = cloud.group("Group", &[]);
    for role in simulators::graph::CONNECTOR_ROLES {
        cloud.graph().revoke_role(TENANT, APP, role).unwrap();
    }
    let members = format!("/groups/{group}/members");
    let rows: [(&str, &str); 8] = [
        ("/users", "User.Read.All"),
        ("/users/delta", "User.Read.All"),
        ("/users/delta", "Directory.Read.All"),
        ("/groups", "Group.ReadBasic.All"),
        ("/groups/delta", "GroupMember.Read.All"),
        (&members, "GroupMember.ReadBasic.All"),
        (&members, "Group.Read.All"),
        ("/directory/deletedItems/microsoft.graph.user", "User.Read.All"),
    ];
    for (path, role) in rows {
        cloud.sign_in().await;
        cloud.get(path).await.refused(403, "Authorization_RequestDenied");
        cloud.graph().grant_role(TENANT, APP, role).unwrap();
        cloud.sign_in().await;
        assert_eq!(cloud.get(path).await.status, 200, "{path} with {role}");
        cloud.graph().revoke_role(TENANT, APP, role).unwrap();
    }
}
