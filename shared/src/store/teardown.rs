//! The end of a teardown is written together with the end of the run that did it: no crash lies between the two.

use super::connections::free_or_of;
use super::error::StoreError;
use super::keys::{Key, Partition};
use super::{Finish, Lease, Store, Versioned};
use crate::domain::connection::{Connection, ConnectionStatus};
use crate::domain::ids::ConnectionId;
use crate::domain::sync_run::SyncRun;

impl Store {
    /// Ends the work with the connection as it is from now on. One that is disconnected loses its secrets and its claim on
    /// the PBX in the same moment. [`StoreError::Conflict`]: the lease is lost, or an admin changed the connection meanwhile.
    pub async fn finish_teardown(
        &self,
        lease: &Lease,
        finish: Finish,
        run: &SyncRun,
        connection: &Versioned<Connection>,
    ) -> Result<(), StoreError> {
        let Connection { id, status, pbx, .. } = &connection.value;
        let mut others = vec![self.run_in(run)?, self.connection_in(connection)?];
        if *status == ConnectionStatus::Disconnected {
            others.push(self.delete_in(&Key::secrets(*id)));
            others.push(self.delete_in_if(&Key::pbx(&pbx.serial_number), free_or_of(*id)));
        }
        self.finish_with(lease, finish, others).await
    }

    /// Forgets all that a connection needed to work: tokens, grants, cursors, its watch, what waited. What it is, its
    /// settings, runs and records stay. Repeating is safe.
    pub async fn forget_workings(&self, id: ConnectionId) -> Result<(), StoreError> {
        const DOING: &str = "forgetting the workings of a connection";
        let kept = [
            Key::meta(id),
            Key::settings(id),
            Key::state(id),
            Key::secrets(id),
            Key::console_access(id),
        ];
        self.clear_partition_except(&Partition::connection(id), &kept, DOING)
            .await?;
        let partitions = [
            Partition::numbers(id),
            Partition::refused_numbers(id),
            Partition::group_bindings(id),
            Partition::contacts(id),
            Partition::mailboxes(id),
            Partition::presence(id),
            Partition::presence_choices(id),
        ];
        for partition in partitions {
            self.clear_partition(&partition, DOING).await?;
        }
        Ok(())
    }
}
