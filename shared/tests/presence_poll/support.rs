//! Two sides that do what a test orders, before a real table: what Teams shows, what extensions show, who wrote what.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use shared::deadline::Deadline;
use shared::domain::connection::{Connection, ConnectionSecrets};
use shared::domain::ids::{ConnectionId, EntraUserId, ExtensionId};
use shared::domain::presence::TeamsStatus;
use shared::domain::settings::{ConnectionSettings, ExtensionPresence, OnOff};
use shared::ports::{
    DirectoryError, ExtensionPresences, LinkusSignIn, PhoneSystemError, ShownPresence, ShutProblem,
    SideError, SideFactory, Sides, TeamsPresence,
};
use shared::presence_poll::{EVERY, PollEnd, PollError, Poller, poll_due};
use shared::queue::NoQueue;
use shared::settings::{AddressPolicy, GraphAddresses};
use shared::sides::RealSides;
use shared::store::{PresenceWork, Store};
use shared::sync_run::Engine;
use shared::testing::table::TestTable;
use tokio::sync::Notify;

use crate::store_support::{
    add_connection, bound, bound_extension, intended, leased, number, record, run_of, user,
};

/// What befalls one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The answer is lost; it was not carried out.
    LostBefore,
    /// The answer is lost; it was carried out.
    LostAfter,
    /// The process dies before it is carried out.
    DiesBefore,
    /// The process dies when it is carried out.
    DiesAfter,
    /// The PBX is busy beyond patience.
    Busy,
    /// The PBX will not have the value.
    Refused,
    /// The PBX refuses our credentials.
    Shut,
}

/// One write that was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Write {
    pub extension: ExtensionId,
    pub presence: ExtensionPresence,
    /// Which change in Teams Graph had told of last.
    pub change: u64,
}

#[derive(Default)]
pub struct World {
    pub teams: BTreeMap<EntraUserId, TeamsStatus>,
    /// Counts the changes of each person.
    pub changes: BTreeMap<ExtensionId, u64>,
    told: BTreeMap<ExtensionId, u64>,
    pub shown: BTreeMap<ExtensionId, ExtensionPresence>,
    pub writes: Vec<Write>,
    /// Of the next writes.
    pub troubles: VecDeque<Option<Trouble>>,
    pub looks_fail: bool,
    /// Of the next questions.
    pub graph: VecDeque<Option<GraphTrouble>>,
    pub questions: Vec<usize>,
    pub tried: usize,
}

#[derive(Debug, Clone, Copy)]
pub enum GraphTrouble {
    Down,
    NoPermission,
}

#[derive(Clone, Default)]
pub struct Both {
    world: Arc<Mutex<World>>,
    pub died: Arc<Notify>,
}

impl Both {
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    async fn die<T>(&self) -> T {
        self.died.notify_one();
        std::future::pending().await
    }
}

/// Everybody's extension has the number of the person.
pub fn extension_of(person: EntraUserId) -> ExtensionId {
    ExtensionId(i64::try_from(person.as_uuid().as_u128()).unwrap())
}

#[async_trait]
impl TeamsPresence for Both {
    async fn presences(
        &self,
        people: &[EntraUserId],
    ) -> Result<BTreeMap<EntraUserId, TeamsStatus>, DirectoryError> {
        let mut world = self.world();
        world.questions.push(people.len());
        match world.graph.pop_front().flatten() {
            Some(GraphTrouble::Down) => {
                return Err(DirectoryError::Unavailable {
                    doing: "reading Teams presence".to_owned(),
                    retry_after: Some(Duration::from_secs(1)),
                    source: None,
                });
            }
            Some(GraphTrouble::NoPermission) => {
                return Err(DirectoryError::PermissionMissing {
                    permission: "Presence.Read.All".to_owned(),
                });
            }
            None => {}
        }
        let mut known = BTreeMap::new();
        for person in people {
            if let Some(status) = world.teams.get(person).copied() {
                known.insert(*person, status);
                let change = world.changes.get(&extension_of(*person)).copied().unwrap_or(0);
                world.told.insert(extension_of(*person), change);
            }
        }
        Ok(known)
    }
}

impl World {
    fn carry_out(&mut self, extension: ExtensionId, presence: ExtensionPresence) {
        let change = self.told.get(&extension).copied().unwrap_or(0);
        self.shown.insert(extension, presence);
        self.writes.push(Write {
            extension,
            presence,
            change,
        });
    }
}

#[async_trait]
impl ExtensionPresences for Both {
    async fn set_presence(
        &self,
        extension: ExtensionId,
        presence: ExtensionPresence,
    ) -> Result<(), PhoneSystemError> {
        let trouble = {
            let mut world = self.world();
            world.tried += 1;
            let trouble = world.troubles.pop_front().flatten();
            if matches!(trouble, None | Some(Trouble::LostAfter | Trouble::DiesAfter)) {
                world.carry_out(extension, presence);
            }
            trouble
        };
        match trouble {
            None => Ok(()),
            Some(Trouble::DiesBefore | Trouble::DiesAfter) => self.die().await,
            Some(Trouble::LostBefore | Trouble::LostAfter) => Err(PhoneSystemError::OutcomeUnknown {
                doing: "extension/update".to_owned(),
                source: None,
            }),
            Some(Trouble::Busy) => Err(unavailable()),
            Some(Trouble::Refused) => Err(PhoneSystemError::Invalid {
                field: "presence_status".to_owned(),
                detail: "40002".to_owned(),
            }),
            Some(Trouble::Shut) => Err(PhoneSystemError::Shut {
                problem: ShutProblem::WrongCredentials,
                sentence: "the PBX refused the credentials (20005)".to_owned(),
            }),
        }
    }

    async fn shown_presences(
        &self,
        extensions: &BTreeSet<ExtensionId>,
    ) -> Result<BTreeMap<ExtensionId, ShownPresence>, PhoneSystemError> {
        let world = self.world();
        if world.looks_fail {
            return Err(unavailable());
        }
        let shown = |id: &ExtensionId| Some((*id, ShownPresence::Standard(*world.shown.get(id)?)));
        Ok(extensions.iter().filter_map(shown).collect())
    }

    fn slots(&self) -> usize {
        8
    }
}

fn unavailable() -> PhoneSystemError {
    PhoneSystemError::Unavailable {
        doing: "extension/update".to_owned(),
        source: None,
    }
}

/// Real clients, but for presence; nothing is asked of them before they are used.
struct Factory {
    real: RealSides,
    both: Both,
}

#[async_trait]
impl SideFactory for Factory {
    fn sides(&self, connection: &Connection, secrets: &ConnectionSecrets) -> Result<Sides, SideError> {
        Ok(Sides {
            teams: Arc::new(self.both.clone()),
            extension_presences: Arc::new(self.both.clone()),
            ..self.real.sides(connection, secrets)?
        })
    }
    fn linkus(
        &self,
        _: &Connection,
        _: &ConnectionSecrets,
    ) -> Result<Option<Arc<dyn LinkusSignIn>>, SideError> {
        Ok(None)
    }
    fn sides_under_test(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
    ) -> Result<Sides, SideError> {
        self.sides(connection, secrets)
    }
    fn linkus_under_test(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
    ) -> Result<Option<Arc<dyn LinkusSignIn>>, SideError> {
        self.linkus(connection, secrets)
    }
}

/// One connection whose presence is switched on, for everybody who is bound.
pub struct Scene {
    pub table: Arc<TestTable>,
    pub store: Store,
    pub both: Both,
    pub poller: Poller,
    pub id: ConnectionId,
}

pub fn poller(table: &TestTable, store: &Store, both: &Both) -> Poller {
    let microsoft = GraphAddresses {
        graph: "https://graph.microsoft.com/v1.0".parse().unwrap(),
        login: "https://login.microsoftonline.com".parse().unwrap(),
    };
    let clock: Arc<dyn shared::ports::Clock> = table.clock.clone();
    let real = RealSides::new(
        microsoft,
        AddressPolicy::Public,
        store.clone(),
        Arc::clone(&clock),
    );
    let engine = Engine {
        store: store.clone(),
        sides: Arc::new(Factory {
            real,
            both: both.clone(),
        }),
        clock,
        queue: Arc::new(NoQueue),
    };
    Poller::new(engine, EVERY)
}

pub async fn change_settings(store: &Store, id: ConnectionId, change: impl FnOnce(&mut ConnectionSettings)) {
    let mut read = store.settings(id).await.unwrap().unwrap();
    change(&mut read.value);
    store
        .put_settings(id, &read.value, read.version)
        .await
        .unwrap()
        .unwrap();
}

/// Everybody available, on both sides.
pub async fn bind(store: &Store, both: &Both, id: ConnectionId, people: impl IntoIterator<Item = u128>) {
    let lease = leased(store, id).await;
    for n in people {
        let digits = number(&format!("{:04}", 2_000 + n));
        store
            .reserve(&lease, &intended(n, digits.as_str()))
            .await
            .unwrap();
        let mut extension = bound_extension();
        extension.extension = extension_of(user(n));
        let mut binding = bound(n, digits.as_str());
        binding.stage = shared::domain::binding::Stage::Bound(extension);
        let run = run_of(id, shared::domain::sync_run::RunMode::Full);
        let done = record(run.id, n, shared::domain::operation_record::OperationKind::Create);
        store.confirm(&lease, &binding, &done).await.unwrap();
        let mut world = both.world();
        world.teams.insert(user(n), TeamsStatus::Available);
        world
            .shown
            .insert(extension_of(user(n)), ExtensionPresence::Available);
    }
    store.release_lease(&lease).await.unwrap();
}

impl Scene {
    pub async fn with(people: u128) -> Self {
        Self::on(Arc::new(TestTable::start().await), people).await
    }

    /// On a table that others use, too.
    pub async fn on(table: Arc<TestTable>, people: u128) -> Self {
        let store = table.store.clone();
        let both = Both::default();
        let id = add_connection(&store).await;
        change_settings(&store, id, |settings| {
            settings.presence.enabled = true;
            settings.presence.users_default = OnOff::On;
        })
        .await;
        bind(&store, &both, id, 1..=people).await;
        store
            .presence_soon(id, true, shared::ports::Clock::now(table.clock.as_ref()))
            .await
            .unwrap();
        let poller = poller(&table, &store, &both);
        Self {
            table,
            store,
            both,
            poller,
            id,
        }
    }

    /// One message of the queue.
    pub async fn message(&self) -> Result<PollEnd, PollError> {
        poll_due(&self.poller, self.id, &Deadline::when_asked()).await
    }

    /// The next poll, or `None` if its process died.
    pub async fn poll(&self) -> Option<PollEnd> {
        let work = self.work().await;
        if let Some(due) = work.due_at {
            let wait = due.duration_since(shared::ports::Clock::now(self.table.clock.as_ref()));
            self.table.clock.advance(wait.try_into().unwrap_or_default());
        }
        tokio::select! {
            end = self.message() => Some(end.unwrap()),
            () = self.both.died.notified() => None,
        }
    }

    /// A process that remembers nothing.
    pub fn restart(&mut self) {
        self.poller = poller(&self.table, &self.store, &self.both);
    }

    pub async fn work(&self) -> PresenceWork {
        self.store.presence_work(self.id).await.unwrap().unwrap().value
    }

    /// Teams shows something else.
    pub fn teams(&self, n: u128, status: TeamsStatus) {
        let mut world = self.both.world();
        if world.teams.insert(user(n), status) != Some(status) {
            *world.changes.entry(extension_of(user(n))).or_default() += 1;
        }
    }

    pub fn by_hand(&self, n: u128, presence: ExtensionPresence) {
        self.both.world().shown.insert(extension_of(user(n)), presence);
    }

    pub fn shown(&self, n: u128) -> ExtensionPresence {
        self.both.world().shown[&extension_of(user(n))]
    }

    pub fn writes(&self) -> usize {
        self.both.world().writes.len()
    }
}
