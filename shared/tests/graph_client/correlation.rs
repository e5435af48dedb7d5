//! What is logged of a request that went wrong leads Microsoft's support to it; what is counted of requests is each try.

use shared::calls::{counted, so_far};
use shared::settings::LogFormat;
use shared::testing::logs::Logs;
use simulators::graph::FaultKind;

use crate::stub::Stub;
use crate::support::{Cloud, all};

const DECLINED: &str = "Microsoft Graph did not do what it was asked for";
const USELESS: &str = "Microsoft Graph gave no answer that can be used";
const EMPTY: (u16, &str) = (200, r#"{"value":[]}"#);

/// What came as `client-request-id`, in order.
fn sent(stub: &Stub) -> Vec<String> {
    let seen = stub.seen.lock().unwrap();
    let ids = seen
        .iter()
        .filter_map(|seen| seen.headers.get("client-request-id"));
    ids.map(|id| id.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_refusal_is_logged_with_the_id_that_we_gave_the_request() {
    let stub = Stub::start(&[(429, ""), EMPTY]).await;
    let logs = Logs::listen(LogFormat::Json, "info", None);
    all(&stub.client().0).await.unwrap();
    let line = logs.line(DECLINED);
    let sent = sent(&stub);
    assert_eq!(sent.len(), 2, "each try has an id of its own");
    assert_ne!(sent[0], sent[1]);
    assert_eq!(line["graph.client_request_id"], sent[0]);
    assert_eq!(line["graph.status"], 429);
    assert!(!logs.text().contains("canary"), "{}", logs.text());
}

#[tokio::test]
async fn an_answer_that_does_not_read_is_found_by_its_ids_and_not_quoted() {
    for body in [r#"{"value":["canary"#, r#"{"value":"canary"}"#] {
        let stub = Stub::start(&[(200, body), EMPTY]).await;
        let logs = Logs::listen(LogFormat::Json, "info", None);
        let _ = all(&stub.client().0).await;
        let line = logs.line(USELESS);
        assert_eq!(line["graph.client_request_id"], sent(&stub)[0], "{body}");
        assert!(!logs.text().contains("canary"), "{}", logs.text());
    }
}

#[tokio::test]
async fn silence_is_logged_with_our_id_and_without_an_address() {
    let cloud = Cloud::start().await;
    cloud.users(3);
    cloud.fault("/v1.0/users*", 0, 1, FaultKind::Drop);
    let logs = Logs::listen(LogFormat::Json, "info", None);
    all(&cloud.client()).await.unwrap();
    let line = logs.line(USELESS);
    assert!(line["graph.client_request_id"].is_string());
    assert!(!logs.text().contains("http://"), "{}", logs.text());
}

#[tokio::test]
async fn microsofts_own_id_is_logged_beside_ours() {
    let cloud = Cloud::start().await;
    cloud.users(3);
    cloud.fault("/v1.0/users*", 0, 1, FaultKind::Throttle { retry_after: None });
    let logs = Logs::listen(LogFormat::Json, "info,shared::graph=debug", None);
    all(&cloud.client()).await.unwrap();
    for message in [DECLINED, "Microsoft Graph answered"] {
        let line = logs.line(message);
        let (theirs, ours) = (&line["graph.request_id"], &line["graph.client_request_id"]);
        assert!(!theirs.as_str().unwrap().is_empty(), "{line}");
        assert_ne!(theirs, ours);
    }
}

#[tokio::test]
async fn each_try_is_counted_and_each_refusal_for_our_pace() {
    let cloud = Cloud::start().await;
    cloud.users(1500);
    cloud.fault("/v1.0/users*", 1, 2, FaultKind::Throttle { retry_after: None });
    let client = cloud.client();
    let calls = counted(async {
        all(&client).await.unwrap();
        so_far()
    })
    .await;
    assert_eq!((calls.graph, calls.graph_throttled, calls.pbx), (4, 2, 0));
}
