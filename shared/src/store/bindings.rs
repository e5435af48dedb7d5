//! Reading bindings, and the numbers that the PBX uses for something else.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Store;
use super::binding_rows::{NumberRow, read_binding};
use super::error::StoreError;
use super::item::{body, nanos, row, text};
use super::keys::{Key, Partition};
use super::paging::{Listing, Page};
use crate::domain::binding::Binding;
use crate::domain::ids::{ConnectionId, EntraUserId};
use crate::domain::number::ExtensionNumber;

#[derive(Serialize, Deserialize)]
struct RefusedRow {
    sk: ExtensionNumber,
    until: i64,
    expires_at: i64,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// As many as were asked for.
    pub bindings: Vec<Binding>,
    /// Whether there are more.
    pub more: bool,
}

impl Store {
    /// Every binding of a connection; whole or an error.
    pub async fn bindings(
        &self,
        connection: ConnectionId,
    ) -> Result<BTreeMap<EntraUserId, Binding>, StoreError> {
        let mut bindings = BTreeMap::new();
        let listing = Listing::of(&Partition::bindings(connection));
        self.each_row(&listing, "reading the bindings", |row| {
            let binding = read_binding(row)?;
            bindings.insert(binding.user, binding);
            Ok(())
        })
        .await?;
        Ok(bindings)
    }

    /// Bindings in the order of the object ids.
    pub async fn bindings_page(
        &self,
        connection: ConnectionId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Binding>, StoreError> {
        let listing = Listing::of(&Partition::bindings(connection));
        self.page(&listing, limit, cursor, "listing bindings")
            .await?
            .try_map(read_binding)
    }

    /// Bindings whose number or name has `part` in it, in capitals or small letters, in the order of the numbers. The table
    /// looks at all who hold a number; one made a moment ago may be missed.
    pub async fn bindings_with(
        &self,
        connection: ConnectionId,
        part: &str,
        limit: usize,
    ) -> Result<Found, StoreError> {
        let part = text(part.to_lowercase());
        let fitting =
            Listing::of(&Partition::numbers(connection)).filtered("contains(l, :part)", [(":part", part)]);
        self.of_numbers(connection, fitting, limit).await
    }

    /// Bindings whose number begins with these digits, in the order of the numbers. Read by key: no others are looked at.
    /// One made a moment ago may be missed.
    pub async fn bindings_numbered(
        &self,
        connection: ConnectionId,
        digits: &str,
        limit: usize,
    ) -> Result<Found, StoreError> {
        let fitting = Listing::of(&Partition::numbers(connection)).starting_with(digits);
        self.of_numbers(connection, fitting, limit).await
    }

    /// Of those who hold the numbers of this list.
    async fn of_numbers(
        &self,
        connection: ConnectionId,
        numbers: Listing,
        limit: usize,
    ) -> Result<Found, StoreError> {
        let held = self
            .page(&numbers.of_late(), limit, None, "looking for numbers")
            .await?;
        let more = held.next_cursor.is_some();
        let keys = held.items.into_iter().map(|row| {
            let held: NumberRow = body(row, "holder of a number")?;
            Ok(Key::binding(connection, held.u))
        });
        let keys = keys.collect::<Result<Vec<Key>, StoreError>>()?;
        let rows = self.get_all_of_late(&keys, "looking for bindings").await?;
        let found: Result<Vec<Binding>, StoreError> = rows.into_iter().map(read_binding).collect();
        let mut found = found?;
        found.sort_by(|one, other| one.number.cmp(&other.number));
        Ok(Found {
            bindings: found,
            more,
        })
    }

    /// One person's.
    pub async fn binding(
        &self,
        connection: ConnectionId,
        user: EntraUserId,
    ) -> Result<Option<Binding>, StoreError> {
        let item = self
            .get(&Key::binding(connection, user), "reading a binding")
            .await?;
        item.map(read_binding).transpose()
    }

    /// Which of these people have a binding; one made a moment ago may be missed.
    pub async fn bound_among(
        &self,
        connection: ConnectionId,
        people: &BTreeSet<EntraUserId>,
    ) -> Result<BTreeSet<EntraUserId>, StoreError> {
        let keys: Vec<Key> = people
            .iter()
            .map(|user| Key::binding(connection, *user))
            .collect();
        let rows = self.get_all_of_late(&keys, "looking for bindings").await?;
        rows.into_iter().map(|row| Ok(read_binding(row)?.user)).collect()
    }

    /// Numbers that the PBX was found to use for something else.
    pub async fn refused_numbers(
        &self,
        connection: ConnectionId,
    ) -> Result<BTreeSet<ExtensionNumber>, StoreError> {
        let now = nanos(self.clock().now());
        let mut numbers = BTreeSet::new();
        let listing = Listing::of(&Partition::refused_numbers(connection));
        self.each_row(&listing, "reading refused numbers", |row| {
            let refused: RefusedRow = body(row, "refused number")?;
            // The table deletes what has expired only within days.
            if refused.until > now {
                numbers.insert(refused.sk);
            }
            Ok(())
        })
        .await?;
        Ok(numbers)
    }

    /// Remembers that the PBX uses a number for something else, until it is worth another try.
    pub async fn add_refused_number(
        &self,
        connection: ConnectionId,
        number: &ExtensionNumber,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let refused = RefusedRow {
            sk: number.clone(),
            until: nanos(until),
            expires_at: until.as_second().saturating_add(1),
        };
        let item = row(&Key::refused_number(connection, number), &refused)?;
        self.put(item, "remembering a refused number").await
    }
}
