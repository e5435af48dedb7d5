//! Bindings of groups, and the mark of what they were last in step with. Every write of a run proves that its lease is still
//! the connection's.

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::item::{Row, body, from_doc, number, row, to_doc};
use super::keys::{Key, Partition};
use super::paging::{Listing, Page};
use super::write::Expression;
use super::{Lease, Store};
use crate::domain::group_binding::GroupBinding;
use crate::domain::ids::ConnectionId;
use crate::domain::operation_record::OperationRecord;

#[derive(Serialize, Deserialize)]
struct GroupRow {
    doc: String,
    /// Fence of the lease that wrote it.
    f: u64,
}

#[derive(Serialize, Deserialize)]
struct MarkRow {
    seen: String,
}

fn read(item: Row) -> Result<GroupBinding, StoreError> {
    let stored: GroupRow = body(item, "group binding")?;
    from_doc(&stored.doc, "group binding")
}

fn key(connection: ConnectionId, binding: &GroupBinding) -> Key {
    Key::group_binding(connection, binding.target, binding.group)
}

/// Nothing that a later lease wrote.
fn not_newer(lease: &Lease) -> Expression {
    Expression::new("attribute_not_exists(pk) OR f <= :fence").with(":fence", number(lease.fence))
}

impl Store {
    /// Every group binding of a connection, of all targets; whole or an error.
    pub async fn group_bindings(&self, connection: ConnectionId) -> Result<Vec<GroupBinding>, StoreError> {
        let mut bindings = Vec::new();
        let listing = Listing::of(&Partition::group_bindings(connection));
        self.each_row(&listing, "reading the group bindings", |row| {
            bindings.push(read(row)?);
            Ok(())
        })
        .await?;
        Ok(bindings)
    }

    /// Group bindings in the order of their targets, then of the object ids.
    pub async fn group_bindings_page(
        &self,
        connection: ConnectionId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<GroupBinding>, StoreError> {
        let listing = Listing::of(&Partition::group_bindings(connection));
        self.page(&listing, limit, cursor, "listing group bindings")
            .await?
            .try_map(read)
    }

    /// Stores a group binding as it is now, with the record of what was done if anything was. The same again is fine.
    /// [`StoreError::Conflict`]: the lease is lost.
    pub async fn put_group_binding(
        &self,
        lease: &Lease,
        binding: &GroupBinding,
        record: Option<&OperationRecord>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "storing a group binding";
        let stored = GroupRow {
            doc: to_doc(binding)?,
            f: lease.fence,
        };
        let item = row(&key(lease.connection, binding), &stored)?;
        let items = vec![self.lease_check(lease), self.put_in_if(item, not_newer(lease))];
        self.transact_with_record(lease, items, record, DOING).await
    }

    /// Lets go of a group: the binding goes, the record stays. Gone already is fine. [`StoreError::Conflict`]: the lease is
    /// lost.
    pub async fn forget_group(
        &self,
        lease: &Lease,
        binding: &GroupBinding,
        record: Option<&OperationRecord>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "forgetting a group binding";
        let gone = self.delete_in_if(&key(lease.connection, binding), not_newer(lease));
        let items = vec![self.lease_check(lease), gone];
        self.transact_with_record(lease, items, record, DOING).await
    }

    async fn transact_with_record(
        &self,
        lease: &Lease,
        mut items: Vec<TransactWriteItem>,
        record: Option<&OperationRecord>,
        doing: &'static str,
    ) -> Result<(), StoreError> {
        if let Some(record) = record {
            items.push(self.record_in(lease.connection, record)?);
        }
        self.transact(items, doing)
            .await?
            .map_err(|_| StoreError::Conflict { doing })
    }

    /// What the groups were in step with when a run last left none of them out; `None`: nobody knows.
    pub async fn groups_mark(&self, connection: ConnectionId) -> Result<Option<String>, StoreError> {
        let item = self
            .get(&Key::groups_mark(connection), "reading the mark of the groups")
            .await?;
        item.map(|item| Ok(body::<MarkRow>(item, "mark of the groups")?.seen))
            .transpose()
    }

    /// Replaces or removes the mark. [`StoreError::Conflict`]: the lease is lost.
    pub async fn set_groups_mark(&self, lease: &Lease, seen: Option<&str>) -> Result<(), StoreError> {
        const DOING: &str = "storing the mark of the groups";
        let key = Key::groups_mark(lease.connection);
        let item = match seen {
            Some(seen) => {
                let seen = seen.to_owned();
                self.put_in(row(&key, &MarkRow { seen })?)
            }
            None => self.delete_in(&key),
        };
        self.transact(vec![self.lease_check(lease), item], DOING)
            .await?
            .map_err(|_| StoreError::Conflict { doing: DOING })
    }
}
