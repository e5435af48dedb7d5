//! Whatever is lost, repeated or cut: each change is written at most once, and the newest value is what an extension ends
//! with, unless somebody set another one by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use shared::domain::presence::TeamsStatus;
use shared::domain::settings::{ExtensionPresence, PresenceMapping};
use shared::testing::table::TestTable;

use crate::store_support::user;
use crate::support::{GraphTrouble, Scene, Trouble, extension_of};

const PEOPLE: u128 = 3;

#[derive(Debug, Clone)]
enum Act {
    Teams(u128, TeamsStatus),
    ByHand(u128, ExtensionPresence),
    /// A poll whose writes meet these troubles; whether looks fail as well; whether its process starts afresh.
    Poll {
        troubles: Vec<Option<Trouble>>,
        looks_fail: bool,
        afresh: bool,
    },
    GraphDown,
    /// Two messages at once.
    Twice,
}

fn act() -> impl Strategy<Value = Act> {
    let person = 1..=PEOPLE;
    let trouble = prop::sample::select(vec![
        None,
        None,
        Some(Trouble::LostBefore),
        Some(Trouble::LostAfter),
        Some(Trouble::DiesBefore),
        Some(Trouble::DiesAfter),
        Some(Trouble::Busy),
    ]);
    prop_oneof![
        4 => (person.clone(), prop::sample::select(TeamsStatus::ALL.to_vec()))
            .prop_map(|(n, status)| Act::Teams(n, status)),
        1 => (person, prop::sample::select(ExtensionPresence::ALL.to_vec()))
            .prop_map(|(n, presence)| Act::ByHand(n, presence)),
        4 => (prop::collection::vec(trouble, 0..4), any::<bool>(), any::<bool>())
            .prop_map(|(troubles, looks_fail, afresh)| Act::Poll { troubles, looks_fail, afresh }),
        1 => Just(Act::GraphDown),
        1 => Just(Act::Twice),
    ]
}

async fn play(table: Arc<TestTable>, acts: &[Act]) {
    let mut scene = Scene::on(table, PEOPLE).await;
    // Of whom nothing was ever written, nothing is known either.
    scene.poll().await.unwrap();
    let mut by_hand = BTreeSet::new();
    for act in acts {
        match act {
            Act::Teams(n, status) => scene.teams(*n, *status),
            Act::ByHand(n, presence) => {
                scene.by_hand(*n, *presence);
                by_hand.insert(*n);
            }
            Act::GraphDown => {
                scene.both.world().graph.push_back(Some(GraphTrouble::Down));
                scene.poll().await;
            }
            Act::Twice => {
                scene.poll().await;
                let (one, two) = tokio::join!(scene.message(), scene.message());
                one.unwrap();
                two.unwrap();
            }
            Act::Poll {
                troubles,
                looks_fail,
                afresh,
            } => {
                if *afresh {
                    scene.restart();
                }
                {
                    let mut world = scene.both.world();
                    world.troubles = troubles.iter().copied().collect();
                    world.looks_fail = *looks_fail;
                }
                scene.poll().await;
                let mut world = scene.both.world();
                world.troubles.clear();
                world.looks_fail = false;
            }
        }
    }
    // The sides are well again; whoever died is given up for dead.
    scene.restart();
    for _ in 0..4 {
        scene.poll().await.unwrap();
    }
    judge(&scene, &by_hand);
}

fn judge(scene: &Scene, by_hand: &BTreeSet<u128>) {
    let world = scene.both.world();
    let mut times = BTreeMap::new();
    for write in &world.writes {
        *times.entry((write.extension, write.change)).or_insert(0) += 1;
    }
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(
        twice.is_empty(),
        "written more than once: {twice:?}\n{:?}",
        world.writes
    );
    for n in 1..=PEOPLE {
        let wanted = PresenceMapping::default().target(world.teams[&user(n)]);
        let shown = world.shown[&extension_of(user(n))];
        assert!(
            shown == wanted || by_hand.contains(&n),
            "person {n} shows {shown:?}, not {wanted:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 60, ..ProptestConfig::default() })]
    // spec: 133
    #[test]
    fn each_change_is_written_at_most_once_and_the_newest_value_wins(
        acts in prop::collection::vec(act(), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            Box::pin(play(Arc::new(TestTable::start().await), &acts)).await;
        });
    }
}

#[tokio::test]
async fn a_poll_that_dies_after_its_write_undoes_nothing_that_was_set_by_hand_since() {
    for (dies, wanted) in [
        (Trouble::DiesAfter, ExtensionPresence::BusinessTrip),
        // It cannot be told from the other; what a person did last stays until Teams changes.
        (Trouble::DiesBefore, ExtensionPresence::BusinessTrip),
    ] {
        let mut scene = Scene::with(1).await;
        scene.poll().await.unwrap();
        scene.teams(1, TeamsStatus::Busy);
        scene.both.world().troubles.push_back(Some(dies));
        assert_eq!(scene.poll().await, None);
        scene.by_hand(1, ExtensionPresence::BusinessTrip);
        scene.restart();
        for _ in 0..3 {
            scene.poll().await.unwrap();
        }
        assert_eq!(scene.shown(1), wanted, "{dies:?}");
        scene.teams(1, TeamsStatus::Away);
        scene.poll().await.unwrap();
        assert_eq!(scene.shown(1), ExtensionPresence::OffWork);
    }
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_at_once_so_that_no_later_hand_is_undone() {
    for (lost, writes) in [(Trouble::LostAfter, 1), (Trouble::LostBefore, 1)] {
        let scene = Scene::with(1).await;
        scene.poll().await.unwrap();
        let before = scene.writes();
        // Set by hand before Teams changed: that is over.
        scene.by_hand(1, ExtensionPresence::BusinessTrip);
        scene.teams(1, TeamsStatus::Busy);
        scene.both.world().troubles.push_back(Some(lost));
        scene.poll().await.unwrap();
        assert_eq!(
            (scene.shown(1), scene.writes() - before),
            (ExtensionPresence::Away, writes),
            "{lost:?}"
        );
        scene.by_hand(1, ExtensionPresence::Lunch);
        scene.poll().await.unwrap();
        assert_eq!(scene.shown(1), ExtensionPresence::Lunch);
    }
}
