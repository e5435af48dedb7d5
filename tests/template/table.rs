//! The table.

use serde_norway::Value;
use shared::store::{TableDefinition, table_definition};

use crate::document::template;

fn key(schema: &Value) -> [String; 2] {
    let part = |index: usize, kind: &str| {
        assert_eq!(schema[index]["KeyType"], kind);
        schema[index]["AttributeName"].as_str().unwrap().to_owned()
    };
    [part(0, "HASH"), part(1, "RANGE")]
}

#[test]
fn the_template_makes_the_table_that_the_store_expects() {
    let template = template();
    let tables = template.resources("AWS::DynamoDB::Table");
    let [table] = tables.values().collect::<Vec<_>>()[..] else {
        panic!("one table is wanted")
    };
    let TableDefinition {
        key: wanted_key,
        attributes,
        indexes,
        expiry,
    } = table_definition();
    assert_eq!(key(&table["KeySchema"]), wanted_key);
    let made: Vec<(&str, &str)> = table["AttributeDefinitions"]
        .as_sequence()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["AttributeName"].as_str().unwrap(),
                one["AttributeType"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(made, attributes);
    let made = table["GlobalSecondaryIndexes"].as_sequence().unwrap();
    assert_eq!(made.len(), indexes.len());
    for (made, (name, wanted, projection)) in made.iter().zip(indexes) {
        assert_eq!(made["IndexName"], name);
        assert_eq!(key(&made["KeySchema"]), wanted);
        assert_eq!(made["Projection"]["ProjectionType"], projection);
    }
    let expires = &table["TimeToLiveSpecification"];
    assert_eq!(
        (expires["AttributeName"].as_str(), expires["Enabled"].as_bool()),
        (Some(expiry), Some(true))
    );
}
