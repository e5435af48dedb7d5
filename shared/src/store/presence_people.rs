//! The people of a connection's presence, 650 an item: one item says who they are, one how far each has come, in the same
//! order. Whoever writes the second names the write they read, so of two polls at once only one goes on.

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::Store;
use super::connection_secrets::bytes;
use super::error::{Cause, StoreError};
use super::item::{body, number, row, text};
use super::keys::{Key, Partition};
use super::paging::Listing;
use super::presence_pack::{pack_members, pack_standings, unpack_members, unpack_standings};
use super::write::{Expression, VACANT, Written};
use crate::domain::ids::{ConnectionId, EntraUserId};
use crate::domain::presence::{Member, Standing};

/// People of one item: as many as one question to Graph may name.
pub const PEOPLE_AN_ITEM: usize = crate::ports::PRESENCES_AT_ONCE;

/// How far the people of one item have come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standings {
    /// Which item.
    pub place: u32,
    /// Mark of the item that says who they are.
    pub people: String,
    /// Which write of it.
    pub rev: u64,
    /// Of each.
    pub of: Vec<Standing>,
}

/// Who the people of one item are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    /// Which item.
    pub place: u32,
    /// Another one with every write.
    pub mark: String,
    /// In the order of the standings.
    pub members: Vec<Member>,
}

#[derive(Serialize, Deserialize)]
struct StandingsRow {
    /// Mark of the people.
    m: String,
    v: u64,
    #[serde(with = "bytes")]
    p: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct PeopleRow {
    sk: String,
    m: String,
    #[serde(with = "bytes")]
    p: Vec<u8>,
}

#[derive(Deserialize)]
struct PlacedStandings {
    sk: String,
    #[serde(flatten)]
    row: StandingsRow,
}

fn place_in(sort: &str) -> Result<u32, StoreError> {
    let digits = sort.get(2..).and_then(|digits| digits.parse().ok());
    digits.ok_or_else(|| StoreError::Corrupt {
        what: "packed presence",
        source: Cause("its key has no place".to_owned()),
    })
}

fn short_mark() -> String {
    let mark = uuid::Uuid::new_v4().simple().to_string();
    mark.chars().take(8).collect()
}

impl Store {
    /// How far everybody has come; may be a moment old, which a write based on it finds out.
    pub async fn presence_standings(&self, connection: ConnectionId) -> Result<Vec<Standings>, StoreError> {
        const DOING: &str = "reading how far presence has come";
        let mut all = Vec::new();
        let listing = Listing::of(&Partition::presence(connection))
            .starting_with("S#")
            .of_late();
        self.each_row(&listing, DOING, |item| {
            let PlacedStandings { sk, row } = body(item, "packed presence")?;
            all.push(Standings {
                place: place_in(&sk)?,
                people: row.m,
                rev: row.v,
                of: unpack_standings(&row.p)?,
            });
            Ok(())
        })
        .await?;
        Ok(all)
    }

    /// Who the people at these places are.
    pub async fn presence_people(
        &self,
        connection: ConnectionId,
        places: &[u32],
    ) -> Result<Vec<People>, StoreError> {
        let keys: Vec<Key> = places
            .iter()
            .map(|place| Key::presence_people(connection, *place))
            .collect();
        let items = self.get_all(&keys, "reading whose presence is carried").await?;
        let read = |item| {
            let row: PeopleRow = body(item, "packed people")?;
            Ok(People {
                place: place_in(&row.sk)?,
                mark: row.m,
                members: unpack_members(&row.p)?,
            })
        };
        items.into_iter().map(read).collect()
    }

    /// How far one person has come, and where they lead; `None` for somebody who does not take part.
    pub async fn presence_of(
        &self,
        connection: ConnectionId,
        user: EntraUserId,
    ) -> Result<Option<(Member, Standing)>, StoreError> {
        for standings in self.presence_standings(connection).await? {
            let people = self.presence_people(connection, &[standings.place]).await?;
            let members = people.into_iter().flat_map(|people| people.members);
            let mut pairs = members.zip(standings.of);
            if let Some(found) = pairs.find(|(member, _)| member.user == user) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Replaces how far the people of one item have come, if nobody did since it was read.
    /// [`StoreError::Conflict`]: somebody did. Nothing was written.
    pub async fn put_standings(
        &self,
        connection: ConnectionId,
        standings: &mut Standings,
    ) -> Result<(), StoreError> {
        const DOING: &str = "storing how far presence has come";
        let stored = StandingsRow {
            m: standings.people.clone(),
            v: standings.rev.saturating_add(1),
            p: pack_standings(&standings.of),
        };
        let unchanged = unchanged(standings);
        let item = row(&Key::presence_standings(connection, standings.place), &stored)?;
        let written = match self.put_if(item, unchanged, DOING).await? {
            Written::Yes => true,
            // Ours, if the answer to an earlier try was lost.
            Written::Refused(found) => {
                let found = found.map(|found| body::<StandingsRow>(found, "packed presence"));
                let same =
                    |found: StandingsRow| found.v == stored.v && found.m == stored.m && found.p == stored.p;
                found.transpose()?.is_some_and(same)
            }
        };
        standings.rev = stored.v;
        written.then_some(()).ok_or(StoreError::Conflict { doing: DOING })
    }

    /// Replaces the people of one item with how far they have come, both or none. `before`: the standings that were read
    /// there. [`StoreError::Conflict`]: somebody wrote since.
    pub async fn put_people(
        &self,
        connection: ConnectionId,
        place: u32,
        before: Option<&Standings>,
        members: &[Member],
        of: &[Standing],
    ) -> Result<(), StoreError> {
        const DOING: &str = "storing whose presence is carried";
        let mark = short_mark();
        let people_key = Key::presence_people(connection, place);
        let people = PeopleRow {
            sk: Key::presence_people_sort(place),
            m: mark.clone(),
            p: pack_members(members),
        };
        let standings = StandingsRow {
            m: mark,
            v: before.map_or(0, |before| before.rev).saturating_add(1),
            p: pack_standings(of),
        };
        let condition = before.map_or_else(|| Expression::new(VACANT), unchanged);
        let standings = row(&Key::presence_standings(connection, place), &standings)?;
        let items = vec![
            self.put_in_if(standings, condition),
            self.put_in(row(&people_key, &people)?),
        ];
        self.both(items, DOING).await
    }

    /// Deletes one item of people that is left empty.
    pub async fn drop_people(&self, connection: ConnectionId, before: &Standings) -> Result<(), StoreError> {
        let place = before.place;
        let items = vec![
            self.delete_in_if(&Key::presence_standings(connection, place), unchanged(before)),
            self.delete_in(&Key::presence_people(connection, place)),
        ];
        self.both(items, "striking off people whose presence was carried")
            .await
    }

    async fn both(&self, items: Vec<TransactWriteItem>, doing: &'static str) -> Result<(), StoreError> {
        let written = self.transact(items, doing).await?;
        written.map_err(|_| StoreError::Conflict { doing })
    }
}

fn unchanged(standings: &Standings) -> Expression {
    Expression::new("v = :v AND m = :m")
        .with(":v", number(standings.rev))
        .with(":m", text(&standings.people))
}
