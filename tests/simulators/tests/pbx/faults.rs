//! Scripted faults.

use std::sync::Arc;

use serde_json::json;
use simulators::pbx::{Fault, FaultKind, Pbx};
use tokio::net::TcpListener;

use crate::support::*;

#[tokio::test]
async fn an_answer_lost_after_the_work_leaves_the_work_done() {
    let world = world(config()).await;
    world
        .pbx()
        .fault(Fault::once("extension/create", FaultKind::DropAfterCommit));
    let error = world
        .send("extension/create", &new_extension("2101", ""))
        .await
        .unwrap_err();
    assert!(error.status().is_none() && !error.is_timeout(), "{error:?}");
    assert!(world.pbx().extension("2101").is_some());
    assert_eq!(world.pbx().writes().len(), 1);
    let found = world.get("extension/search", &[("search_value", "2101")]).await;
    assert_eq!(found["total_number"], 1);
    assert_eq!(
        errcode(&world.post("extension/create", &new_extension("2101", "")).await),
        40_003
    );
}

#[tokio::test]
async fn a_connection_dropped_before_the_work_leaves_nothing() {
    let world = world(config()).await;
    world
        .pbx()
        .fault(Fault::once("extension/*", FaultKind::DropBefore));
    let error = world
        .send("extension/create", &new_extension("2101", ""))
        .await
        .unwrap_err();
    assert!(error.status().is_none(), "{error:?}");
    assert!(world.pbx().extension("2101").is_none());
    assert_eq!(
        (
            world.pbx().requests("extension/create"),
            world.pbx().writes().len()
        ),
        (1, 0)
    );
    assert_eq!(
        errcode(&world.post("extension/create", &new_extension("2101", "")).await),
        0
    );
}

#[tokio::test]
async fn another_host_breaks_the_connection_too() {
    let pbx = Pbx::new(&config()).unwrap();
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let url = format!(
        "http://{}/openapi/v1.0/system/information",
        listener.local_addr().unwrap()
    );
    tokio::spawn(axum::serve(listener, simulators::pbx::router(Arc::clone(&pbx))).into_future());
    pbx.fault(Fault::once("system/information", FaultKind::DropBefore));
    let http = http_client(Some("OpenAPI"));
    let error = http.get(&url).send().await.unwrap_err();
    assert!(error.status().is_none(), "{error:?}");
    let answer: serde_json::Value = http.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(errcode(&answer), 10_004);
}

#[tokio::test]
async fn error_numbers_are_given_out_as_scripted() {
    let world = world(config()).await;
    let busy = FaultKind::Errcode { code: 70_082 };
    world
        .pbx()
        .fault(Fault::once("system/capacity", busy).after(1).times(2));
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(errcode(&world.get("system/capacity", &[]).await));
    }
    assert_eq!(codes, [0, 70_082, 70_082, 0]);
    world
        .pbx()
        .fault(Fault::once("get_token", FaultKind::Errcode { code: 60_002 }));
    assert_eq!(
        errcode(
            &world
                .get_token("simulated-client-id", "simulated-client-secret")
                .await
        ),
        60_002
    );
}

#[tokio::test]
async fn answers_from_outside_the_api_are_not_json() {
    let world = world(config()).await;
    let ask = async || {
        let answer = world.http.get(world.url("system/capacity")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    world.pbx().fault(Fault::once("*", FaultKind::Html));
    let (status, body) = ask().await;
    assert!(status == 200 && body.contains("<form>"));
    world.pbx().fault(Fault::once("*", FaultKind::Garbage));
    let (status, body) = ask().await;
    assert!(status == 200 && serde_json::from_str::<serde_json::Value>(&body).is_err());
    world.pbx().fault(Fault::once(
        "*",
        FaultKind::Http {
            status: 502,
            body: "Bad Gateway".to_owned(),
        },
    ));
    assert_eq!(ask().await, (502, "Bad Gateway".to_owned()));
    world
        .pbx()
        .fault(Fault::once("*", FaultKind::HugeBody { bytes: 1_000_000 }));
    assert!(ask().await.1.len() > 1_000_000);
}

#[tokio::test]
async fn too_many_calls_at_once_find_the_pbx_busy() {
    let world = world(config()).await;
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.max_in_flight = Some(0));
    assert_eq!(errcode(&world.get("system/capacity", &[]).await), 70_082);
    assert_eq!(world.pbx().counters().in_flight_peak, 1);
}

#[tokio::test]
async fn delays_let_the_call_through() {
    let world = world(config()).await;
    world.pbx().fault(Fault::once("*", FaultKind::Delay { ms: 1 }));
    world
        .pbx()
        .fault(Fault::once("*", FaultKind::DelayAfterCommit { ms: 1 }));
    assert_eq!(
        errcode(&world.post("extension/create", &new_extension("2101", "")).await),
        0
    );
    assert!(world.pbx().faults().is_empty());
}

#[tokio::test]
async fn a_stopped_pbx_answers_nobody_and_comes_back_as_it_was() {
    let world = world(config()).await;
    let (pbx, address) = (world.pbx(), world.running.address());
    let World { running, http, token } = world;
    running.shutdown().await;
    let url = format!("http://{address}/openapi/v1.0/system/capacity");
    assert!(http.get(&url).send().await.unwrap_err().is_connect());
    let running = Pbx::serve(pbx, loopback()).await.unwrap();
    let world = World { running, http, token };
    assert_eq!(
        world.get("system/capacity", &[]).await["data"]["extension_used"],
        json!(3)
    );
}
