//! Connections: the document, its place in the fleet, and the claim on its PBX, which change together or not at all.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::item::{Row, body, from_doc, number, row, text, to_doc};
use super::keys::{Key, Partition};
use super::paging::{Listing, Page};
use super::patience::Patience;
use super::write::{Expression, PRESENT, VACANT, Written};
use super::{Store, Version, Versioned};
use crate::domain::connection::{Connection, ConnectionSecrets, ConnectionStatus};
use crate::domain::ids::ConnectionId;
use crate::domain::settings::ConnectionSettings;

/// What became of a connection that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateOutcome {
    /// It is there, with settings, secrets and an empty work state.
    Created,
    /// Its PBX is in this connection. Nothing was written.
    PbxInUse(ConnectionId),
}

#[derive(Serialize, Deserialize)]
struct MetaRow {
    doc: String,
    ver: Version,
}

#[derive(Serialize, Deserialize)]
struct PointerRow {
    conn: ConnectionId,
}

pub(super) fn read(item: Row) -> Result<Versioned<Connection>, StoreError> {
    let stored: MetaRow = body(item, "connection")?;
    Ok(Versioned {
        value: from_doc(&stored.doc, "connection")?,
        version: stored.ver,
    })
}

fn meta_row(connection: &Connection, version: Version) -> Result<Row, StoreError> {
    let stored = MetaRow {
        doc: to_doc(connection)?,
        ver: version,
    };
    row(&Key::meta(connection.id), &stored)
}

pub(super) fn free_or_of(connection: ConnectionId) -> Expression {
    Expression::new("attribute_not_exists(pk) OR conn = :conn").with(":conn", text(connection))
}

impl Store {
    /// Makes a connection with default settings, its secrets and an empty work state, all at once. The same again is fine.
    pub async fn create_connection(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
    ) -> Result<CreateOutcome, StoreError> {
        const DOING: &str = "making a connection";
        const CLAIM: usize = 0;
        let id = connection.id;
        let pointer = PointerRow { conn: id };
        let claim = row(&Key::pbx(&connection.pbx.serial_number), &pointer)?;
        let items = vec![
            self.put_in_if(claim, free_or_of(id)),
            self.put_in_if(meta_row(connection, Version::FIRST)?, Expression::new(VACANT)),
            self.put_in(row(&Key::fleet(id), &pointer)?),
            self.put_in(self.secrets_row(id, secrets).await?),
            self.put_in_if(
                super::settings::settings_row(id, &ConnectionSettings::default())?,
                Expression::new(VACANT),
            ),
            self.first_state(id)?,
        ];
        let Err(mut refusals) = self.transact(items, DOING).await? else {
            return Ok(CreateOutcome::Created);
        };
        if let Some(Some(claim)) = refusals.remove(&CLAIM) {
            let holder: PointerRow = body(claim, "claim on a PBX")?;
            return Ok(CreateOutcome::PbxInUse(holder.conn));
        }
        let found = self.connection(id).await?;
        if found.is_some_and(|found| found.value == *connection) {
            return Ok(CreateOutcome::Created);
        }
        Err(StoreError::Conflict { doing: DOING })
    }

    /// One connection.
    pub async fn connection(&self, id: ConnectionId) -> Result<Option<Versioned<Connection>>, StoreError> {
        let item = self.get(&Key::meta(id), "reading a connection").await?;
        item.map(read).transpose()
    }

    /// Connections, oldest first.
    pub async fn connections(
        &self,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Connection>, StoreError> {
        const DOING: &str = "listing connections";
        let ids = self.connection_ids(limit, cursor, DOING).await?;
        let keys: Vec<Key> = ids.items.iter().map(|id| Key::meta(*id)).collect();
        let mut found = BTreeMap::new();
        for item in self.get_all(&keys, DOING).await? {
            let connection = read(item)?.value;
            found.insert(connection.id, connection);
        }
        Ok(Page {
            // Ids sort as the pointers do. One deleted between the two reads is left out.
            items: found.into_values().collect(),
            next_cursor: ids.next_cursor,
        })
    }

    /// Their ids alone.
    pub(super) async fn connection_ids(
        &self,
        limit: usize,
        cursor: Option<&str>,
        doing: &'static str,
    ) -> Result<Page<ConnectionId>, StoreError> {
        let listing = Listing::of(&Partition::fleet());
        let page = self.page(&listing, limit, cursor, doing).await?;
        page.try_map(|item| Ok(body::<PointerRow>(item, "entry of the fleet")?.conn))
    }

    /// Replaces a connection that is still as it was read. [`StoreError::Conflict`]: it is not.
    /// [`StoreError::PbxInUse`]: it names a PBX that another connection has.
    pub async fn save_connection(&self, changed: &Versioned<Connection>) -> Result<Version, StoreError> {
        const DOING: &str = "saving a connection";
        let id = changed.value.id;
        let stored = self.connection(id).await?;
        let stored = stored.ok_or(StoreError::Missing { doing: DOING })?;
        let next = changed.version.next();
        if stored.version == next && stored.value == changed.value {
            return Ok(next);
        }
        if stored.version != changed.version {
            return Err(StoreError::Conflict { doing: DOING });
        }
        let (old, new) = (&stored.value.pbx.serial_number, &changed.value.pbx.serial_number);
        if old != new {
            return self.transact_connection(changed, old, Vec::new(), DOING).await;
        }
        let unchanged = Expression::new("ver = :ver").with(":ver", number(changed.version.0));
        let row = meta_row(&changed.value, next)?;
        let is_ours = match self.put_if(row, unchanged, DOING).await? {
            Written::Yes => true,
            Written::Refused(None) => false,
            Written::Refused(Some(found)) => {
                let found = read(found)?;
                found.version == next && found.value == changed.value
            }
        };
        is_ours
            .then_some(next)
            .ok_or(StoreError::Conflict { doing: DOING })
    }

    /// Reads, lets `change` alter a connection, and writes if it did. Starts again if somebody wrote meanwhile; nothing
    /// without such a connection.
    pub async fn change_connection(
        &self,
        id: ConnectionId,
        change: impl Fn(&mut Connection),
    ) -> Result<(), StoreError> {
        let mut patience = Patience::default();
        loop {
            let Some(mut read) = self.connection(id).await? else {
                return Ok(());
            };
            let before = read.value.clone();
            change(&mut read.value);
            if read.value == before {
                return Ok(());
            }
            match self.save_connection(&read).await {
                Err(StoreError::Conflict { .. }) if patience.wait(self).await => {}
                outcome => return outcome.map(|_| ()),
            }
        }
    }

    /// The write of a connection that is still as it was read.
    pub(super) fn connection_in(
        &self,
        changed: &Versioned<Connection>,
    ) -> Result<TransactWriteItem, StoreError> {
        let unchanged = Expression::new("ver = :ver").with(":ver", number(changed.version.0));
        let row = meta_row(&changed.value, changed.version.next())?;
        Ok(self.put_in_if(row, unchanged))
    }

    /// Writes a connection that is still as it was read, its claim if its PBX is another one, and what goes with it.
    pub(super) async fn transact_connection(
        &self,
        changed: &Versioned<Connection>,
        old_serial: &str,
        others: Vec<TransactWriteItem>,
        doing: &'static str,
    ) -> Result<Version, StoreError> {
        let id = changed.value.id;
        let serial = &changed.value.pbx.serial_number;
        let mut items = others;
        items.push(self.connection_in(changed)?);
        let claim_at = items.len();
        if serial != old_serial {
            let claim = row(&Key::pbx(serial), &PointerRow { conn: id })?;
            items.push(self.put_in_if(claim, free_or_of(id)));
            items.push(self.delete_in_if(&Key::pbx(old_serial), free_or_of(id)));
        }
        let Err(mut refusals) = self.transact(items, doing).await? else {
            return Ok(changed.version.next());
        };
        match refusals.remove(&claim_at) {
            Some(Some(claim)) => Err(StoreError::PbxInUse {
                connection: body::<PointerRow>(claim, "claim on a PBX")?.conn,
            }),
            _ => Err(StoreError::Conflict { doing }),
        }
    }

    /// Deletes a connection with its secrets, settings, work state and bindings. Runs and records stay until they
    /// expire. Gone already is fine; so is a call that was cut, if it is repeated.
    pub async fn delete_connection(&self, id: ConnectionId) -> Result<(), StoreError> {
        const DOING: &str = "deleting a connection";
        let stored = self.connection(id).await?;
        let partitions = [
            Partition::bindings(id),
            Partition::group_bindings(id),
            Partition::numbers(id),
            Partition::refused_numbers(id),
            Partition::presence(id),
            Partition::presence_choices(id),
            Partition::contacts(id),
            Partition::shown_phonebooks(id),
            Partition::mailboxes(id),
        ];
        for partition in &partitions {
            self.clear_partition(partition, DOING).await?;
        }
        let Some(stored) = stored else {
            return self.clear_partition(&Partition::connection(id), DOING).await;
        };
        let mut items = vec![
            self.delete_in(&Key::fleet(id)),
            self.delete_in(&Key::meta(id)),
            self.delete_in(&Key::state(id)),
            self.delete_in(&Key::secrets(id)),
        ];
        // A disconnected one gave its PBX back, and another may have it since.
        if stored.value.status != ConnectionStatus::Disconnected {
            let claim = Key::pbx(&stored.value.pbx.serial_number);
            items.push(self.delete_in_if(&claim, free_or_of(id)));
        }
        self.transact(items, DOING)
            .await?
            .map_err(|_| StoreError::Conflict { doing: DOING })?;
        self.clear_partition(&Partition::connection(id), DOING).await
    }

    /// Whether there is such a connection, without reading it.
    pub(super) fn exists() -> Expression {
        Expression::new(PRESENT)
    }
}
