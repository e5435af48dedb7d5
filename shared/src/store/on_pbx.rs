//! Whether anything on a connection's PBX is known by its id there. Such ids mean something else on any other PBX.

use super::Store;
use super::error::StoreError;
use super::keys::Partition;
use super::paging::Listing;
use crate::domain::ids::ConnectionId;

impl Store {
    /// Whether anything is bound or about to be: an extension, a group, a phonebook, a contact.
    pub async fn has_objects_on_pbx(&self, connection: ConnectionId) -> Result<bool, StoreError> {
        const DOING: &str = "looking for anything bound on the PBX";
        let partitions = [
            Partition::bindings(connection),
            Partition::group_bindings(connection),
            Partition::contacts(connection),
        ];
        for partition in &partitions {
            let page = self.page(&Listing::of(partition), 1, None, DOING).await?;
            if !page.items.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
