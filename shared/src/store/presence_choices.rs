//! What was decided about single people's presence. Whoever decides last, decides.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Store;
use super::error::StoreError;
use super::item::{Row, body, from_doc, row, to_doc};
use super::keys::{Key, Partition};
use super::paging::Listing;
use crate::domain::ids::{ConnectionId, EntraUserId};
use crate::domain::presence::PresenceChoice;

const WHAT: &str = "choice about presence";

#[derive(Serialize, Deserialize)]
struct ChoiceRow {
    sk: EntraUserId,
    doc: String,
}

fn read(item: Row) -> Result<(EntraUserId, PresenceChoice), StoreError> {
    let stored: ChoiceRow = body(item, WHAT)?;
    Ok((stored.sk, from_doc(&stored.doc, WHAT)?))
}

impl Store {
    /// What was decided about a person; `None`: nothing, the settings hold.
    pub async fn presence_choice(
        &self,
        connection: ConnectionId,
        user: EntraUserId,
    ) -> Result<Option<PresenceChoice>, StoreError> {
        let item = self
            .get(
                &Key::presence_choice(connection, user),
                "reading a choice about presence",
            )
            .await?;
        Ok(item.map(read).transpose()?.map(|(_, choice)| choice))
    }

    /// Every decision of a connection.
    pub async fn presence_choices(
        &self,
        connection: ConnectionId,
    ) -> Result<BTreeMap<EntraUserId, PresenceChoice>, StoreError> {
        let mut choices = BTreeMap::new();
        let listing = Listing::of(&Partition::presence_choices(connection));
        self.each_row(&listing, "reading the choices about presence", |item| {
            let (user, choice) = read(item)?;
            choices.insert(user, choice);
            Ok(())
        })
        .await?;
        Ok(choices)
    }

    /// The decisions about these people.
    pub async fn presence_choices_of(
        &self,
        connection: ConnectionId,
        people: &BTreeSet<EntraUserId>,
    ) -> Result<BTreeMap<EntraUserId, PresenceChoice>, StoreError> {
        let keys: Vec<Key> = people
            .iter()
            .map(|user| Key::presence_choice(connection, *user))
            .collect();
        let items = self.get_all(&keys, "reading choices about presence").await?;
        items.into_iter().map(read).collect()
    }

    /// Stores a decision and has the next poll, due now, heed it; `None` takes it back. Repeating is safe.
    pub async fn put_presence_choice(
        &self,
        connection: ConnectionId,
        user: EntraUserId,
        choice: Option<&PresenceChoice>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "storing a choice about presence";
        let key = Key::presence_choice(connection, user);
        match choice {
            Some(choice) => {
                let stored = ChoiceRow {
                    sk: user,
                    doc: to_doc(choice)?,
                };
                self.put(row(&key, &stored)?, DOING).await?;
            }
            None => self.delete(&key, DOING).await?,
        }
        let now = self.clock().now();
        self.change_presence_work(connection, |work| {
            work.touch(user);
            // Not while a side is in trouble: it is left in peace until its next probe.
            if work.failures_in_row == 0 && work.due_at.is_some_and(|due| due > now) {
                work.due_at = Some(now);
            }
        })
        .await
        .map(drop)
    }
}
