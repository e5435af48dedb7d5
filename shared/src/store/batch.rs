//! Many items at once, without conditions. What the table leaves undone is handed in again.

use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, WriteRequest};

use super::Store;
use super::error::{Cause, StoreError, unavailable};
use super::item::Row;
use super::keys::{Key, Partition};
use super::paging::Listing;
use super::patience::Patience;

/// Most items that one call takes.
const BATCH: usize = 25;
/// Most keys that one read takes.
const READ_BATCH: usize = 100;

impl Store {
    /// Writes all rows, whatever was there before. Keys must differ.
    pub(super) async fn put_all(&self, rows: Vec<Row>, doing: &'static str) -> Result<(), StoreError> {
        let requests = rows.into_iter().map(|row| {
            let put = PutRequest::builder().set_item(Some(row)).build();
            let put = put.expect("the item is set");
            WriteRequest::builder().put_request(put).build()
        });
        self.write_all(requests.collect(), doing).await
    }

    /// Deletes everything in a partition.
    pub(super) async fn clear_partition(
        &self,
        partition: &Partition,
        doing: &'static str,
    ) -> Result<(), StoreError> {
        self.clear_partition_except(partition, &[], doing).await
    }

    /// The same for all items but those with these sort keys.
    pub(super) async fn clear_partition_except(
        &self,
        partition: &Partition,
        kept: &[Key],
        doing: &'static str,
    ) -> Result<(), StoreError> {
        let kept: Vec<Row> = kept.iter().map(Key::row).collect();
        let mut requests = Vec::new();
        self.each_row(&Listing::of(partition), doing, |mut row| {
            row.retain(|name, _| name == "pk" || name == "sk");
            if kept.contains(&row) {
                return Ok(());
            }
            let delete = DeleteRequest::builder().set_key(Some(row)).build();
            let delete = delete.expect("the key is set");
            requests.push(WriteRequest::builder().delete_request(delete).build());
            Ok(())
        })
        .await?;
        self.write_all(requests, doing).await
    }

    async fn write_all(&self, requests: Vec<WriteRequest>, doing: &'static str) -> Result<(), StoreError> {
        for batch in requests.chunks(BATCH) {
            self.write_batch(batch.to_vec(), doing).await?;
        }
        Ok(())
    }

    async fn write_batch(&self, mut left: Vec<WriteRequest>, doing: &'static str) -> Result<(), StoreError> {
        let mut patience = Patience::default();
        loop {
            let request = self.client().batch_write_item().request_items(self.table(), left);
            let answer = self.patiently(|| request.clone().send()).await;
            left = answer
                .map_err(unavailable(doing))?
                .unprocessed_items
                .and_then(|mut undone| undone.remove(self.table()))
                .unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
            if !patience.wait(self).await {
                return Err(undone(doing));
            }
        }
    }

    /// The items at these keys, in no order; those that do not exist are left out.
    pub(super) async fn get_all(
        &self,
        keys: &[super::keys::Key],
        doing: &'static str,
    ) -> Result<Vec<Row>, StoreError> {
        self.get_chunks(keys, true, doing).await
    }

    /// As [`Store::get_all`] at half the price; may be a moment old.
    pub(super) async fn get_all_of_late(
        &self,
        keys: &[super::keys::Key],
        doing: &'static str,
    ) -> Result<Vec<Row>, StoreError> {
        self.get_chunks(keys, false, doing).await
    }

    async fn get_chunks(
        &self,
        keys: &[super::keys::Key],
        consistent: bool,
        doing: &'static str,
    ) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::with_capacity(keys.len());
        for batch in keys.chunks(READ_BATCH) {
            let keys = batch.iter().map(super::keys::Key::row).collect();
            rows.append(&mut self.get_batch(keys, consistent, doing).await?);
        }
        Ok(rows)
    }

    async fn get_batch(
        &self,
        mut left: Vec<Row>,
        consistent: bool,
        doing: &'static str,
    ) -> Result<Vec<Row>, StoreError> {
        let mut patience = Patience::default();
        let mut rows = Vec::with_capacity(left.len());
        loop {
            let wanted = aws_sdk_dynamodb::types::KeysAndAttributes::builder()
                .set_keys(Some(left))
                .consistent_read(consistent)
                .build()
                .expect("the keys are set");
            let request = self.client().batch_get_item().request_items(self.table(), wanted);
            let answer = self.patiently(|| request.clone().send()).await;
            let answer = answer.map_err(unavailable(doing))?;
            let found = answer
                .responses
                .and_then(|mut tables| tables.remove(self.table()));
            rows.extend(found.unwrap_or_default());
            left = answer
                .unprocessed_keys
                .and_then(|mut tables| tables.remove(self.table()))
                .map(|undone| undone.keys)
                .unwrap_or_default();
            if left.is_empty() {
                return Ok(rows);
            }
            if !patience.wait(self).await {
                return Err(undone(doing));
            }
        }
    }
}

fn undone(doing: &'static str) -> StoreError {
    StoreError::Unavailable {
        doing,
        source: Cause("the table kept leaving items undone".to_owned()),
    }
}
