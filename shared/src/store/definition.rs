//! What the table looks like: said once, for the call that makes it and for the template's test.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TableStatus, TimeToLiveSpecification, TimeToLiveStatus,
};

use super::error::{Cause, StoreError, unavailable};
use super::keys::{DUE_INDEX, HISTORY_INDEX};
use crate::clock::SystemClock;
use crate::ports::Clock as _;

/// Keys, indexes and expiry of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDefinition {
    /// Attributes of the key: hash, range.
    pub key: [&'static str; 2],
    /// Key attributes of the table and of the indexes, with the table's names of their types.
    pub attributes: Vec<(&'static str, &'static str)>,
    /// Name, hash, range and projection of each index.
    pub indexes: Vec<(&'static str, [&'static str; 2], &'static str)>,
    /// The attribute that holds when an item may go, in seconds since 1970.
    pub expiry: &'static str,
}

/// The one table of this product.
pub fn table_definition() -> TableDefinition {
    TableDefinition {
        key: ["pk", "sk"],
        attributes: vec![
            ("pk", "S"),
            ("sk", "S"),
            ("due_shard", "S"),
            ("due_at", "N"),
            ("object_key", "S"),
            ("object_at", "S"),
        ],
        indexes: vec![
            (DUE_INDEX, ["due_shard", "due_at"], "KEYS_ONLY"),
            (HISTORY_INDEX, ["object_key", "object_at"], "ALL"),
        ],
        expiry: "expires_at",
    }
}

/// Makes the table where there is none, and returns when it is ready. Repeating is safe.
///
/// # Panics
/// Never: the definition names every part that a request needs.
pub async fn create_table(client: &Client, table: &str) -> Result<(), StoreError> {
    const DOING: &str = "making the table";
    let definition = table_definition();
    let attributes = definition.attributes.iter().map(|(name, kind)| {
        AttributeDefinition::builder()
            .attribute_name(*name)
            .attribute_type(ScalarAttributeType::from(*kind))
            .build()
            .expect("name and type are set")
    });
    let made = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(key_schema(definition.key)))
        .set_attribute_definitions(Some(attributes.collect()))
        .set_global_secondary_indexes(Some(definition.indexes.iter().map(index).collect()))
        .send()
        .await;
    match made {
        Err(error)
            if !error
                .as_service_error()
                .is_some_and(CreateTableError::is_resource_in_use_exception) =>
        {
            return Err(unavailable(DOING)(error));
        }
        _ => {}
    }
    until_active(client, table).await?;
    set_expiry(client, table, definition.expiry).await
}

fn key_schema(key: [&str; 2]) -> Vec<KeySchemaElement> {
    [(key[0], KeyType::Hash), (key[1], KeyType::Range)]
        .map(|(name, kind)| {
            KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(kind)
                .build()
                .expect("name and type are set")
        })
        .to_vec()
}

fn index((name, key, projection): &(&'static str, [&'static str; 2], &'static str)) -> GlobalSecondaryIndex {
    let projection = Projection::builder()
        .projection_type(ProjectionType::from(*projection))
        .build();
    GlobalSecondaryIndex::builder()
        .index_name(*name)
        .set_key_schema(Some(key_schema(*key)))
        .projection(projection)
        .build()
        .expect("name and key are set")
}

async fn until_active(client: &Client, table: &str) -> Result<(), StoreError> {
    const DOING: &str = "waiting for the table";
    /// A table on AWS takes some 10 s; engines on this machine none.
    const TRIES: u32 = 60;
    for _ in 0..TRIES {
        let answer = client
            .describe_table()
            .table_name(table)
            .send()
            .await
            .map_err(unavailable(DOING))?;
        let status = answer.table.and_then(|table| table.table_status);
        if status == Some(TableStatus::Active) {
            return Ok(());
        }
        SystemClock.sleep(Duration::from_secs(1)).await;
    }
    Err(StoreError::Unavailable {
        doing: DOING,
        source: Cause("it did not become ready".to_owned()),
    })
}

async fn set_expiry(client: &Client, table: &str, attribute: &str) -> Result<(), StoreError> {
    const DOING: &str = "setting the expiry of the table";
    let described = client
        .describe_time_to_live()
        .table_name(table)
        .send()
        .await
        .map_err(unavailable(DOING))?;
    let status = described
        .time_to_live_description
        .and_then(|description| description.time_to_live_status);
    // AWS refuses to switch on what is on.
    if matches!(
        status,
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
    ) {
        return Ok(());
    }
    let wanted = TimeToLiveSpecification::builder()
        .attribute_name(attribute)
        .enabled(true)
        .build()
        .expect("attribute and switch are set");
    client
        .update_time_to_live()
        .table_name(table)
        .time_to_live_specification(wanted)
        .send()
        .await
        .map_err(unavailable(DOING))?;
    Ok(())
}
