//! Who is let in, and that nothing happens for those who are not. Over the port, as any program on the machine and any page
//! in its browsers reach it.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

use embedded_table::EmbeddedTable;
use reqwest::{Client, RequestBuilder, Response};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

const KEY_HEADER: &str = "x-amz-security-token";

/// An engine with one table, and in it the item `a`, whose value is `ours`.
struct World {
    engine: EmbeddedTable,
    client: Client,
}

impl World {
    async fn start() -> Self {
        let world = Self {
            engine: EmbeddedTable::memory().await.unwrap(),
            client: Client::builder().no_proxy().build().unwrap(),
        };
        let table = json!({
            "TableName": "things", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        });
        assert_eq!(world.ask("CreateTable", &table).await.0, 200);
        assert_eq!(world.ask("PutItem", &put("ours")).await.0, 200);
        world
    }

    fn key(&self) -> &str {
        self.engine.access_key().expose_secret()
    }

    /// Without the key.
    fn request(&self, operation: &str, body: &Value) -> RequestBuilder {
        self.client
            .post(self.engine.endpoint())
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .body(body.to_string())
    }

    async fn ask(&self, operation: &str, body: &Value) -> (u16, Value) {
        let request = self.request(operation, body).header(KEY_HEADER, self.key());
        told(request.send().await.unwrap()).await
    }

    async fn value(&self) -> Value {
        let wanted = json!({"TableName": "things", "Key": {"id": {"S": "a"}}});
        self.ask("GetItem", &wanted).await.1["Item"]["value"]["S"].clone()
    }
}

fn put(value: &str) -> Value {
    json!({"TableName": "things", "Item": {"id": {"S": "a"}, "value": {"S": value}}})
}

async fn told(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

#[tokio::test]
async fn whoever_does_not_know_the_key_changes_nothing() {
    let world = World::start().await;
    let other = EmbeddedTable::memory().await.unwrap();
    let key = world.key().to_owned();
    let signature = format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260302/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
    );
    let foreign = || world.request("PutItem", &put("theirs"));
    for attempt in [
        foreign(),
        foreign().header(KEY_HEADER, ""),
        foreign().header(KEY_HEADER, &key[1..]),
        foreign().header(KEY_HEADER, format!("{key}0")),
        foreign().header(
            KEY_HEADER,
            key.replace(|digit: char| digit.is_ascii_hexdigit(), "0"),
        ),
        foreign().header(KEY_HEADER, other.access_key().expose_secret()),
        foreign().header("authorization", signature),
    ] {
        let (status, body) = told(attempt.send().await.unwrap()).await;
        assert_eq!(status, 400);
        let kind = body["__type"].as_str().unwrap();
        assert!(kind.ends_with("#UnrecognizedClientException"), "{kind}");
    }
    assert_eq!(world.value().await, "ours");
}

#[tokio::test]
async fn a_page_in_a_browser_changes_nothing_even_with_the_key() {
    let world = World::start().await;
    let knowing = || {
        world
            .request("PutItem", &put("theirs"))
            .header(KEY_HEADER, world.key())
    };
    for attempt in [
        knowing().header("origin", "https://example.com"),
        knowing().header("origin", world.engine.endpoint()),
        knowing().header("origin", "null"),
        knowing().header("host", "example.com"),
        knowing().header("host", "127.0.0.1.example.com:8000"),
    ] {
        let response = attempt.send().await.unwrap();
        assert!(!response.headers().contains_key("access-control-allow-origin"));
        assert_eq!(told(response).await.0, 403);
    }
    let allowed = world
        .client
        .request(reqwest::Method::OPTIONS, world.engine.endpoint())
        .header("origin", "https://example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", KEY_HEADER);
    let response = allowed.send().await.unwrap();
    assert_eq!(response.status(), 405);
    assert!(!response.headers().contains_key("access-control-allow-headers"));
    assert_eq!(world.value().await, "ours");
}

#[tokio::test]
async fn only_what_the_product_uses_is_answered() {
    let world = World::start().await;
    for method in ["GET", "PUT", "DELETE", "HEAD"] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = world.client.request(method, world.engine.endpoint());
        let response = request.header(KEY_HEADER, world.key()).send().await.unwrap();
        assert_eq!(response.status(), 405);
    }
    for operation in ["DeleteTable", "ExecuteStatement", "ListTables", "Nonsense", ""] {
        let (status, body) = world.ask(operation, &json!({"TableName": "things"})).await;
        assert_eq!(status, 400, "{operation}");
        let kind = body["__type"].as_str().unwrap();
        assert!(
            kind.ends_with("#UnknownOperationException"),
            "{operation}: {kind}"
        );
    }
    assert_eq!(world.value().await, "ours");
}

#[tokio::test]
async fn a_condition_that_fails_shows_what_is_there() {
    let world = World::start().await;
    let mut refused = put("theirs");
    refused["ConditionExpression"] = "attribute_not_exists(id)".into();
    refused["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD".into();
    let (status, body) = world.ask("PutItem", &refused).await;
    assert_eq!(status, 400);
    let kind = body["__type"].as_str().unwrap();
    assert!(kind.ends_with("#ConditionalCheckFailedException"), "{kind}");
    assert_eq!(body["Item"]["value"]["S"], "ours");

    let other = json!({"TableName": "things", "Item": {"id": {"S": "b"}}});
    let both = json!({"TransactItems": [{"Put": other}, {"Put": refused}]});
    let (status, body) = world.ask("TransactWriteItems", &both).await;
    assert_eq!(status, 400);
    let kind = body["__type"].as_str().unwrap();
    assert!(kind.ends_with("#TransactionCanceledException"), "{kind}");
    let reasons = &body["CancellationReasons"];
    assert_eq!(reasons[0]["Code"], "None");
    assert_eq!(reasons[1]["Code"], "ConditionalCheckFailed");
    assert_eq!(reasons[1]["Item"]["value"]["S"], "ours");
}

#[tokio::test]
async fn what_cannot_be_read_is_told_from_what_is_not_allowed() {
    let world = World::start().await;
    for (body, wanted) in [
        (json!("PutItem"), "#SerializationException"),
        (json!({"TableName": 7}), "#SerializationException"),
        (
            json!({"TableName": "things", "Item": {"id": {"NULL": false}}}),
            "#ValidationException",
        ),
        (
            json!({"TableName": "nothing", "Item": {"id": {"S": "a"}}}),
            "#ResourceNotFoundException",
        ),
    ] {
        let (status, answer) = world.ask("PutItem", &body).await;
        let kind = answer["__type"].as_str().unwrap();
        assert_eq!(status, 400, "{kind}");
        assert!(kind.ends_with(wanted), "{body}: {answer}");
        assert!(!answer.to_string().contains("VALIDATION"), "{answer}");
    }
}

#[tokio::test]
async fn it_stops_when_told_and_answers_nobody_afterwards() {
    let world = World::start().await;
    let (endpoint, key) = (world.engine.endpoint(), world.key().to_owned());
    let World { engine, client } = world;
    engine.shutdown().await.unwrap();
    let request = client.post(endpoint).header(KEY_HEADER, key);
    assert!(request.send().await.unwrap_err().is_connect());
}
