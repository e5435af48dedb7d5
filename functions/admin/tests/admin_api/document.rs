//! The OpenAPI document says what the router does.

use std::collections::BTreeSet;

use admin::{Access, route_listing};
use serde_json::Value;

use crate::harness::{Call, World};

async fn document() -> Value {
    let world = World::start().await;
    world.call(Call::get("/openapi.json")).await.ok(200)
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in [
            "get", "put", "post", "patch", "delete", "head", "options", "trace",
        ] {
            if let Some(operation) = item.get(method) {
                found.push((method.to_uppercase(), path.clone(), operation.clone()));
            }
        }
    }
    found
}

#[tokio::test]
async fn the_document_has_exactly_the_routes_of_the_router() {
    let document = document().await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let described: BTreeSet<_> = operations(&document)
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    let served: BTreeSet<_> = route_listing()
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    assert_eq!(described, served);
}

#[tokio::test]
async fn every_answer_has_a_named_shape_that_the_document_has() {
    let document = document().await;
    for (method, path, operation) in operations(&document) {
        let good: Vec<_> = operation["responses"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(status, _)| status.starts_with('2'))
            .collect();
        assert_eq!(good.len(), 1, "{method} {path}");
        if good[0].0 == "204" {
            continue;
        }
        let content = &good[0].1["content"];
        // A file has a type of its own and no shape.
        if content.as_object().unwrap().keys().eq(["application/x-pem-file"]) {
            continue;
        }
        let shape = &content["application/json"]["schema"]["$ref"];
        assert!(
            shape.is_string(),
            "{method} {path} answers a shape without a name"
        );
    }
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        let schema = &document["components"]["schemas"][name];
        assert!(schema.is_object(), "{name} is referred to but missing");
    }
}

#[tokio::test]
async fn guarded_operations_say_so() {
    let document = document().await;
    for (method, path, access) in route_listing() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        let problem = |status: &str| {
            operation["responses"][status]["content"]["application/problem+json"]["schema"]["$ref"].clone()
        };
        assert_eq!(problem("default"), "#/components/schemas/Problem");
        if access == Access::Public {
            assert_eq!(operation["security"], serde_json::json!([]));
        } else {
            assert_eq!(operation["security"], serde_json::json!([{"api_token": []}]));
            assert_eq!(problem("401"), "#/components/schemas/Problem");
            assert_eq!(problem("403"), "#/components/schemas/Problem");
        }
    }
}
