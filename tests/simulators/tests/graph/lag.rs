//! Replication lag: what was just written is not seen yet.

use std::time::Duration;

use crate::support::{Cloud, TENANT};

#[tokio::test]
async fn writes_are_seen_after_the_lag_everywhere() {
    let cloud = Cloud::start().await;
    let early = cloud.user("Early");
    let (_, link) = cloud.follow("/users/delta").await;
    let link = link.unwrap();
    cloud.behave(|behaviour| behaviour.replication_lag_ms = 60_000);
    let late = cloud.user("Late");
    cloud.graph().delete_user(TENANT, early).unwrap();
    assert_eq!(cloud.get("/users").await.ids(), [early.to_string()]);
    cloud
        .get(&format!("/users/{late}"))
        .await
        .refused(404, "Request_ResourceNotFound");
    assert!(cloud.get(&link).await.ids().is_empty());
    cloud.graph().advance(Duration::from_mins(1));
    assert_eq!(cloud.get("/users").await.ids(), [late.to_string()]);
    assert_eq!(cloud.get(&link).await.ids().len(), 2);
}
