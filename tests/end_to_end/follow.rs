//! The directory follows by itself: told by notifications, found by looks, synced in time, and nothing else.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use shared::domain::connection::ConnectionStatus;
use shared::domain::sync_run::{RunMode, RunState, Trigger};

use crate::follower::Follower;
use crate::stage::{Stage, TENANT, person};

async fn staff(count: usize) -> Stage {
    let people: Vec<_> = (0..count).map(|n| person(&format!("P{n:02} Example"))).collect();
    Stage::with(&people, Vec::new()).await
}

fn promote(follower: &Follower, n: usize, title: &str) {
    follower
        .stage
        .edit(&format!("P{n:02} Example"), &json!({ "jobTitle": title }));
}

// spec: 5, 149, 150
#[tokio::test]
async fn a_change_that_is_told_reaches_the_pbx_within_ten_minutes() {
    let follower = Follower::of(staff(3).await, |_| {}).await;
    let changed_at = follower.stage.clock.now();
    promote(&follower, 1, "Boss");
    follower.hear().await;
    assert_eq!(follower.pending().await.count(), 1);
    assert!(follower.run_due().await.is_none(), "one change waits for others");
    let due = follower.pending().await.due_at.unwrap();
    assert!(due.duration_since(changed_at).as_secs() <= 595, "{due}");
    follower.live(Duration::from_mins(10)).await;
    assert_eq!(follower.stage.extensions()["2001"].title, "Boss");
    assert_eq!(follower.pending().await.count(), 0);
    assert_eq!(follower.runs().await, 2, "the first one, and one for the change");
    let state = follower
        .stage
        .engine
        .store
        .work_state(follower.stage.connection)
        .await
        .unwrap()
        .unwrap();
    let run = follower.stage.run(state.last_run.unwrap()).await;
    assert_eq!(
        (run.request.trigger, run.request.mode),
        (Trigger::Changes, RunMode::Delta)
    );
}

// spec: 151
#[tokio::test]
async fn the_tenth_changed_person_starts_a_run_at_once_and_copies_count_once() {
    let follower = Follower::of(staff(12).await, |_| {}).await;
    for n in 0..9 {
        promote(&follower, n, "Clerk");
        promote(&follower, n, "Boss");
    }
    follower.hear().await;
    assert_eq!(follower.pending().await.count(), 9);
    assert!(follower.run_due().await.is_none());
    promote(&follower, 9, "Boss");
    follower.hear().await;
    let run = follower.run_due().await.unwrap();
    assert_eq!((run.counts().update, run.request.trigger), (10, Trigger::Changes));
    assert_eq!(follower.stage.pbx.requests("extension/update"), 10);
}

// spec: 153
#[tokio::test]
async fn a_change_outside_the_synced_set_triggers_nothing() {
    let guest = json!({ "displayName": "Gus Guest", "mail": "gus@elsewhere.example", "accountEnabled": true,
        "userPrincipalName": "gus_elsewhere.example#EXT#@contoso.example", "userType": "Guest" });
    let stage = Stage::with(&[person("P00 Example"), guest], Vec::new()).await;
    let follower = Follower::of(stage, |settings| {
        settings.users.scope =
            serde_json::from_value(json!({ "kind": "types", "types": ["member"] })).unwrap();
    })
    .await;
    follower
        .stage
        .edit("Gus Guest", &json!({ "jobTitle": "Visitor" }));
    follower.stage.pbx.reset_counters();
    follower.live(Duration::from_mins(15)).await;
    assert_eq!(follower.pending().await.count(), 0);
    assert_eq!(follower.stage.pbx.counters().requests.values().sum::<u64>(), 0);
    // The very same person matters once the rules would take them in.
    follower.stage.edit("Gus Guest", &json!({ "userType": "Member" }));
    follower.live(Duration::from_mins(10)).await;
    assert_eq!(follower.stage.extensions().len(), 2);
}

// spec: 150, 152
#[tokio::test]
async fn joiners_and_leavers_are_found_though_no_notification_comes() {
    let follower = Follower::of(staff(20).await, |_| {}).await;
    let mut behaviour = follower.stage.graph.behaviour();
    behaviour.notifications.lost_percent = 100;
    follower.stage.graph.set_behaviour(behaviour);
    follower
        .stage
        .graph
        .create_user(TENANT, &person("Zoe Example"))
        .unwrap();
    let leaver = follower.stage.id("P03 Example");
    follower.stage.graph.delete_user(TENANT, leaver).unwrap();
    follower.live(Duration::from_mins(10)).await;
    let extensions = follower.stage.extensions();
    assert_eq!(extensions.len(), 20);
    assert!(extensions.values().any(|fields| fields.first_name == "Zoe"));
    assert!(!extensions.values().any(|fields| fields.first_name == "P03"));
}

// spec: 152
#[tokio::test]
async fn who_comes_into_a_scope_group_or_a_group_within_it_gets_an_extension() {
    let stage = staff(3).await;
    let group = |name: &str| {
        let props =
            json!({ "displayName": name, "groupTypes": [], "securityEnabled": true, "mailEnabled": false });
        stage.graph.create_group(TENANT, &props).unwrap()
    };
    let (outer, inner, other) = (group("Phones"), group("Desk phones"), group("Choir"));
    stage
        .graph
        .add_member(TENANT, outer, stage.id("P00 Example"))
        .unwrap();
    stage.graph.add_member(TENANT, outer, inner).unwrap();
    let follower = Follower::of(stage, |settings| {
        settings.users.scope =
            serde_json::from_value(json!({ "kind": "groups", "group_ids": [outer.to_string()] })).unwrap();
    })
    .await;
    let graph = &follower.stage.graph;
    assert_eq!(follower.watch().await.subscriptions.len(), 2);
    graph
        .add_member(TENANT, other, follower.stage.id("P02 Example"))
        .unwrap();
    follower.live(Duration::from_mins(10)).await;
    assert_eq!(
        follower.stage.extensions().len(),
        1,
        "the choir is none of our business"
    );
    graph
        .add_member(TENANT, outer, follower.stage.id("P01 Example"))
        .unwrap();
    follower.live(Duration::from_mins(10)).await;
    assert_eq!(follower.stage.extensions().len(), 2);
    graph
        .add_member(TENANT, inner, follower.stage.id("P02 Example"))
        .unwrap();
    follower.live(Duration::from_mins(10)).await;
    assert_eq!(follower.stage.extensions().len(), 3);
}

// case: 10
#[tokio::test]
async fn yesterdays_notifications_cause_no_write() {
    let follower = Follower::of(staff(4).await, |_| {}).await;
    promote(&follower, 1, "Boss");
    follower.live(Duration::from_mins(10)).await;
    let old = follower.heard.lock().unwrap().clone();
    assert!(!old.is_empty());
    follower.stage.clock.advance(Duration::from_hours(24));
    follower.live(Duration::from_mins(1)).await;
    follower.stage.graph.clear_requests();
    follower.stage.pbx.reset_counters();
    for body in &old {
        assert_eq!(follower.replay(body).await, 202);
    }
    follower.live(Duration::from_mins(10)).await;
    assert_eq!(follower.stage.pbx.requests("extension/update"), 0);
    let reads = follower.stage.graph.requests();
    let of_people = reads
        .iter()
        .filter(|read| read.path.contains("$batch") || read.path.contains("getByIds"));
    assert!(of_people.count() <= 1);
}

#[tokio::test]
async fn an_expired_change_cursor_leads_to_a_full_read() {
    let follower = Follower::of(staff(3).await, |_| {}).await;
    follower.stage.graph.expire_delta_tokens(TENANT).unwrap();
    let mut behaviour = follower.stage.graph.behaviour();
    behaviour.notifications.lost_percent = 100;
    follower.stage.graph.set_behaviour(behaviour);
    promote(&follower, 2, "Boss");
    follower.live(Duration::from_mins(10)).await;
    assert_eq!(follower.stage.extensions()["2002"].title, "Boss");
    assert!(!follower.pending().await.waiting.others);
}

#[tokio::test]
async fn changes_of_a_run_that_failed_wait_for_the_next_one() {
    let follower = Follower::of(staff(2).await, |settings| {
        settings.change_sync.change_threshold = 1;
    })
    .await;
    promote(&follower, 0, "Boss");
    follower.hear().await;
    follower
        .stage
        .graph
        .set_consent(TENANT, crate::stage::APP, false)
        .unwrap();
    // Until the token ends the consent of the past is good.
    follower.stage.clock.advance(Duration::from_hours(2));
    let run = follower.run_due().await.unwrap();
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(follower.pending().await.count(), 1);
    assert!(follower.run_due().await.is_none(), "not at once");
    follower
        .stage
        .graph
        .set_consent(TENANT, crate::stage::APP, true)
        .unwrap();
    follower.stage.clock.advance(Duration::from_hours(2));
    follower.live(Duration::from_mins(1)).await;
    assert_eq!(follower.stage.extensions()["2000"].title, "Boss");
    assert_eq!(follower.pending().await.count(), 0);
}

#[tokio::test]
async fn subscriptions_are_renewed_replaced_when_lost_and_ended_with_the_connection() {
    let follower = Follower::of(staff(1).await, |_| {}).await;
    let (graph, store) = (&follower.stage.graph, &follower.stage.engine.store);
    let first = follower
        .watch()
        .await
        .subscriptions
        .values()
        .next()
        .unwrap()
        .clone();
    follower.stage.clock.advance(Duration::from_hours(25));
    follower.attend().await;
    let renewed = follower
        .watch()
        .await
        .subscriptions
        .values()
        .next()
        .unwrap()
        .clone();
    assert!(renewed.id == first.id && renewed.ends_at > first.ends_at);

    graph.lose_subscription(first.id.as_uuid()).unwrap();
    follower.stage.clock.advance(Duration::from_hours(25));
    follower.attend().await;
    let replaced = follower
        .watch()
        .await
        .subscriptions
        .values()
        .next()
        .unwrap()
        .clone();
    assert_ne!(replaced.id, first.id);
    assert_eq!(graph.subscriptions().len(), 1);

    // One that Graph has and nobody remembers is of no use: its secret word cannot be read back.
    store
        .change_watch(follower.stage.connection, |watch| watch.subscriptions.clear())
        .await
        .unwrap();
    follower.soon().await;
    follower.attend().await;
    assert_eq!(graph.subscriptions().len(), 1);
    assert_ne!(graph.subscriptions()[0]["id"], json!(replaced.id.to_string()));

    let mut connection = store
        .connection(follower.stage.connection)
        .await
        .unwrap()
        .unwrap();
    connection.value.status = ConnectionStatus::Disabled;
    store.save_connection(&connection).await.unwrap();
    follower.soon().await;
    follower.attend().await;
    assert_eq!(graph.subscriptions(), Vec::<Value>::new());
    assert_eq!(follower.watch().await.due_at, None);
}

// case: 15
#[tokio::test]
async fn a_thousand_requests_for_authorisation_lead_to_one() {
    let follower = Follower::of(staff(1).await, |_| {}).await;
    let id = follower.watch().await.subscriptions.values().next().unwrap().id;
    follower.stage.clock.advance(Duration::from_mins(11));
    follower.stage.graph.clear_requests();
    for _ in 0..1_000 {
        follower
            .stage
            .graph
            .send_lifecycle(id.as_uuid(), "reauthorizationRequired")
            .unwrap();
    }
    follower.hear().await;
    follower.attend().await;
    follower.hear().await;
    follower.attend().await;
    let requests = follower.stage.graph.requests();
    let renewals = requests
        .iter()
        .filter(|request| request.method == "PATCH")
        .count();
    assert_eq!(renewals, 1);
    assert_eq!(
        follower
            .watch()
            .await
            .subscriptions
            .values()
            .next()
            .unwrap()
            .asked_at,
        None
    );
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_told_and_looks_go_on() {
    let stage = staff(2).await;
    let nowhere = shared::settings::WebOrigin::of_listener("127.0.0.1:9".parse().unwrap());
    let mut follower = Follower::of(stage, |_| {}).await;
    follower
        .stage
        .graph
        .lose_subscription(
            follower
                .watch()
                .await
                .subscriptions
                .values()
                .next()
                .unwrap()
                .id
                .as_uuid(),
        )
        .unwrap();
    follower.around.address = shared::changes::Address::At(nowhere);
    follower.soon().await;
    follower.attend().await;
    let watch = follower.watch().await;
    let problem = watch.problems.values().next().unwrap();
    assert!(problem.contains("must reach PUBLIC_BASE_URL"), "{problem}");
    promote(&follower, 1, "Boss");
    follower.live(Duration::from_mins(10)).await;
    assert_eq!(follower.stage.extensions()["2001"].title, "Boss");
}

// Notifications come up to ten times, in any order, a third of them never, old ones again: the end is what a full compare
// makes of it, and nothing is written twice.
#[tokio::test]
async fn any_storm_of_notifications_ends_where_a_full_compare_ends() {
    for seed in 0..2 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let follower = Follower::of(staff(15).await, |_| {}).await;
        let mut behaviour = follower.stage.graph.behaviour();
        behaviour.notifications.lost_percent = 30;
        behaviour.notifications.most_copies = 10;
        behaviour.notifications.spread_ms = 120_000;
        behaviour.notifications.items_per_post = 3;
        follower.stage.graph.set_behaviour(behaviour);
        follower.stage.pbx.reset_counters();
        let mut last: std::collections::BTreeMap<usize, String> = std::collections::BTreeMap::new();
        for step in 0..20 {
            let n = rng.random_range(0..15);
            let title = format!("Title {step}");
            promote(&follower, n, &title);
            last.insert(n, title);
            if rng.random_bool(0.3) {
                let heard = follower.heard.lock().unwrap().clone();
                if let Some(old) = heard.get(rng.random_range(0..heard.len().max(1))) {
                    assert_eq!(follower.replay(old).await, 202);
                }
            }
            follower.live(Duration::from_secs(rng.random_range(1..30))).await;
        }
        follower.live(Duration::from_mins(15)).await;
        for (n, title) in &last {
            let number = format!("{}", 2000 + n);
            assert_eq!(&follower.stage.extensions()[&number].title, title, "seed {seed}");
        }
        assert!(
            follower.stage.pbx.requests("extension/update") <= 20,
            "seed {seed}"
        );
        follower.stage.pbx.reset_counters();
        let heard = follower.heard.lock().unwrap().clone();
        for old in heard.iter().rev() {
            follower.replay(old).await;
        }
        follower.live(Duration::from_mins(15)).await;
        assert_eq!(follower.stage.pbx.requests("extension/update"), 0, "seed {seed}");
        let full = follower.stage.sync(RunMode::Full).await;
        assert_eq!(full.counts().update, 0, "seed {seed}");
    }
}
