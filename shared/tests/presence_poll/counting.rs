//! What a poll of 100,000 people costs, counted: questions to Graph, units of the table, items written.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::ids::{EntraUserId, ExtensionId};
use shared::domain::presence::{Member, Standing, TeamsStatus};
use shared::domain::settings::{ExtensionPresence, OnOff, PresenceMapping};
use shared::ports::Clock as _;
use shared::presence_poll::PollEnd;
use shared::store::{PEOPLE_AN_ITEM, PresenceWork, Roster};
use shared::testing::table::TestTable;

use crate::store_support::add_connection;
use crate::store_support::faults::Wire;
use crate::support::{Both, Scene, change_settings, extension_of, poller};

const PEOPLE: usize = 100_000;

fn person(n: usize) -> EntraUserId {
    uuid::Uuid::from_u128(n as u128 + 1).into()
}

/// A tenant of this size in step: seated as a poll seats people, without the hour that binding them one by one takes.
async fn in_step() -> (Wire, Scene) {
    let table = Arc::new(TestTable::start().await);
    let (wire, store) = Wire::before(&table).await;
    let id = add_connection(&store).await;
    change_settings(&store, id, |settings| {
        settings.presence.enabled = true;
        settings.presence.users_default = OnOff::On;
    })
    .await;
    let both = Both::default();
    let people: Vec<EntraUserId> = (0..PEOPLE).map(person).collect();
    for (place, some) in (0..).zip(people.chunks(PEOPLE_AN_ITEM)) {
        let member = |user: &EntraUserId| Member {
            user: *user,
            extension: extension_of(*user),
            mapping: PresenceMapping::default(),
        };
        let members: Vec<Member> = some.iter().map(member).collect();
        let standings = vec![Standing::after(TeamsStatus::Available); some.len()];
        store
            .put_people(id, place, None, &members, &standings)
            .await
            .unwrap();
        let mut world = both.world();
        for user in some {
            world.teams.insert(*user, TeamsStatus::Available);
            world
                .shown
                .insert(extension_of(*user), ExtensionPresence::Available);
        }
    }
    let now = table.clock.now();
    let work = PresenceWork {
        roster: Some(Roster {
            made_of: "2 ".to_owned(),
            made_at: now,
            people: PEOPLE,
        }),
        ..PresenceWork::begin(now)
    };
    assert!(store.save_presence_work(id, &work, None).await.unwrap());
    let scene = Scene {
        poller: poller(&table, &store, &both),
        table,
        store,
        both,
        id,
    };
    (wire, scene)
}

#[tokio::test]
async fn a_hundred_thousand_people_cost_what_they_must() {
    let (wire, scene) = in_step().await;
    let items = PEOPLE.div_ceil(PEOPLE_AN_ITEM);
    // The first poll of a process learns who is who.
    assert!(matches!(scene.poll().await, Some(PollEnd::Polled(counts)) if counts.people == PEOPLE));
    wire.heal();
    scene.both.world().questions.clear();

    let polled = scene.poll().await.unwrap();
    assert!(matches!(polled, PollEnd::Polled(counts) if counts.changed == 0 && counts.known == PEOPLE));
    let questions = std::mem::take(&mut scene.both.world().questions);
    assert_eq!(questions.len(), items);
    assert!(questions.iter().all(|people| *people <= 650));
    // Half a unit for each 650 people, and what one poll costs however many they are: its state is read and written twice,
    // and connection, settings, secrets and last run are read.
    let cost = wire.take_cost();
    let most = 0.5 * f64::from(u32::try_from(PEOPLE.div_ceil(650)).unwrap());
    assert!(cost.units <= most + 16.0, "{cost:?}, {most} for {items} items");
    assert_eq!(wire.items_written(), 1, "its own state alone");
    assert_eq!(scene.writes(), 0);

    // Three people in two items: those are written, before and after, and no others.
    for n in [5, 7, 99_999] {
        scene.both.world().teams.insert(person(n), TeamsStatus::Busy);
    }
    wire.heal();
    let polled = scene.poll().await.unwrap();
    assert!(matches!(polled, PollEnd::Polled(counts) if counts.written == 3));
    assert_eq!(wire.items_written(), 3);
    assert_eq!(wire.calls("PutItem"), 2 + 2 * 2);
    assert_eq!(scene.writes(), 3);
    assert_eq!(scene.both.world().shown[&ExtensionId(6)], ExtensionPresence::Away);
}

#[tokio::test]
async fn everybody_changes_at_once_and_the_writes_are_as_many_as_the_changes() {
    let (wire, scene) = in_step().await;
    scene.poll().await.unwrap();
    scene.table.clock.advance(Duration::from_secs(1));
    let everybody: Vec<EntraUserId> = scene.both.world().teams.keys().copied().collect();
    for user in everybody {
        scene.both.world().teams.insert(user, TeamsStatus::Offline);
    }
    wire.heal();
    let polled = scene.poll().await.unwrap();
    assert!(matches!(polled, PollEnd::Polled(counts) if counts.written == PEOPLE && counts.failed == 0));
    assert_eq!(scene.both.world().tried, PEOPLE);
    assert_eq!(wire.items_written(), PEOPLE.div_ceil(PEOPLE_AN_ITEM) + 1);
}
