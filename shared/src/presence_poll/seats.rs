//! The stored people with how far they have come. Who they are is remembered from poll to poll: the table says which
//! people its standings are about, and they are read only where they are others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::roster::{Seat, Wanted, reseat};
use crate::domain::ids::ConnectionId;
use crate::domain::presence::{Member, Standing};
use crate::store::{PEOPLE_AN_ITEM, People, Standings, Store, StoreError};

/// One item: as many people as one item holds.
pub(super) struct Bench {
    pub people: Arc<People>,
    pub standings: Standings,
}

/// What a process knows of who sits where.
#[derive(Default)]
pub(super) struct Memory(Mutex<BTreeMap<ConnectionId, Known>>);

type Known = BTreeMap<u32, Arc<People>>;

impl Memory {
    fn known(&self, connection: ConnectionId) -> Known {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&connection).cloned().unwrap_or_default()
    }

    fn learn(&self, connection: ConnectionId, known: Known) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(connection, known);
    }

    /// For a connection whose presence is no longer carried.
    pub fn forget(&self, connection: ConnectionId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&connection);
    }
}

/// Everybody, in the order of their seats.
pub(super) async fn load(
    store: &Store,
    connection: ConnectionId,
    memory: &Memory,
) -> Result<Vec<Bench>, StoreError> {
    let mut standings = store.presence_standings(connection).await?;
    standings.sort_by_key(|standings| standings.place);
    let mut known = memory.known(connection);
    let is_known = |known: &Known, of: &Standings| {
        known
            .get(&of.place)
            .is_some_and(|people| people.mark == of.people)
    };
    let unknown: Vec<u32> = standings
        .iter()
        .filter(|of| !is_known(&known, of))
        .map(|of| of.place)
        .collect();
    for people in store.presence_people(connection, &unknown).await? {
        known.insert(people.place, Arc::new(people));
    }
    let places: BTreeSet<u32> = standings.iter().map(|of| of.place).collect();
    known.retain(|place, _| places.contains(place));
    memory.learn(connection, known.clone());
    standings.into_iter().map(|of| bench(&known, of)).collect()
}

/// Somebody rewrote the people between the two reads, or a part was read that is older than the other: both pass.
fn bench(known: &Known, standings: Standings) -> Result<Bench, StoreError> {
    let people = known.get(&standings.place);
    let fits =
        |people: &&Arc<People>| people.mark == standings.people && people.members.len() == standings.of.len();
    let people = people.filter(fits).cloned().ok_or(StoreError::Conflict {
        doing: "reading whose presence is carried",
    })?;
    Ok(Bench { people, standings })
}

/// Seats whoever is wanted, and stores what that changes: those who move are in their new seat before they leave the old
/// one, so a change that is cut off loses nobody's standing. Answers how many sit now.
pub(super) async fn seat(
    store: &Store,
    connection: ConnectionId,
    benches: &[Bench],
    wanted: &Wanted,
) -> Result<usize, StoreError> {
    let old: Vec<Seat> = benches.iter().flat_map(seats_of).collect();
    let new = reseat(&old, wanted);
    let rows: Vec<&[Seat]> = new.chunks(PEOPLE_AN_ITEM).collect();
    for (place, row) in (0..).zip(&rows) {
        let before = benches.iter().find(|bench| bench.standings.place == place);
        if before.is_some_and(|bench| seats_of(bench).eq(row.iter().copied())) {
            continue;
        }
        let (members, standings): (Vec<Member>, Vec<Standing>) =
            row.iter().map(|seat| (seat.member, seat.standing)).unzip();
        let before = before.map(|bench| &bench.standings);
        store
            .put_people(connection, place, before, &members, &standings)
            .await?;
    }
    for bench in benches {
        if usize::try_from(bench.standings.place).is_ok_and(|place| place >= rows.len()) {
            store.drop_people(connection, &bench.standings).await?;
        }
    }
    Ok(new.len())
}

fn seats_of(bench: &Bench) -> impl Iterator<Item = Seat> + '_ {
    let people = bench.people.members.iter().zip(&bench.standings.of);
    people.map(|(member, standing)| Seat {
        member: *member,
        standing: *standing,
    })
}
