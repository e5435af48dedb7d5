//! What is due stays due whatever else runs meanwhile, and a look at what would happen makes nothing due.

use std::time::Duration;

use shared::deadline::Deadline;
use shared::domain::connection::Connection;
use shared::domain::ids::EntraUserId;
use shared::domain::part::Part;
use shared::domain::sync_run::{RunMode, RunRequest, RunState, SyncPart, SyncRun, Trigger};
use shared::store::WorkState;
use shared::sync_run::approval::{approve, cancel};
use shared::sync_run::lifecycle::{after_save, pause, resume};
use shared::sync_run::request::request_run;
use shared::sync_run::run::RunEnd;
use simulators::graph;
use simulators::pbx::{Fault, FaultKind};

use crate::contacts::scene;
use crate::office::Office;
use crate::stage::{APP, Stage, TENANT, person};

async fn in_step(people: usize) -> Stage {
    let people: Vec<_> = (0..people).map(|n| person(&format!("P{n:02} Example"))).collect();
    let stage = Stage::with(&people, Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    stage.clock.advance(Duration::from_secs(1));
    stage
}

/// Twelve people, more than are deleted without a word, with a group.
async fn office() -> Office {
    let names: Vec<String> = (0..12).map(|n| format!("P{n:02} Example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let office = Office::with(&names).await;
    office.group("Sales", &names[..2]);
    office.stage.sync(RunMode::Full).await;
    office.stage.clock.advance(Duration::from_secs(1));
    office
}

impl Stage {
    async fn work(&self) -> WorkState {
        let work = self.engine.store.work_state(self.connection).await;
        work.unwrap().unwrap()
    }

    async fn present(&self) -> Connection {
        let stored = self.engine.store.connection(self.connection).await;
        stored.unwrap().unwrap().value
    }

    async fn last_run(&self) -> SyncRun {
        let runs = self.engine.store.runs(self.connection, 1, None).await.unwrap();
        runs.items.into_iter().next().unwrap()
    }

    /// What comes due within the hour.
    async fn hour(&self) {
        for _ in 0..4 {
            self.clock.advance(Duration::from_mins(16));
            self.drive().await.unwrap();
        }
    }

    /// Has the directory answer nothing of users.
    fn darken(&self) {
        let fault = serde_json::from_value(serde_json::json!(
            {"path": "/v1.0/*", "times": 1000, "kind": graph::FaultKind::Empty503}
        ));
        self.graph.add_fault(fault.unwrap());
    }
}

// spec: 70
#[tokio::test]
async fn a_look_or_a_run_for_one_person_that_fails_starts_no_run_afterwards() {
    let stage = in_step(3).await;
    let someone = EntraUserId::from(stage.id("P00 Example"));
    let scheduled = stage.work().await.due_at;
    for (dry_run, user) in [(true, None), (false, Some(someone))] {
        let request = RunRequest {
            trigger: Trigger::Manual,
            mode: RunMode::Full,
            dry_run,
            user,
        };
        stage.darken();
        let id = request_run(&stage.engine, stage.connection, request)
            .await
            .unwrap();
        stage.drive().await.unwrap();
        let ended = stage.run(id).await.state;
        assert!(
            matches!(ended, RunState::Failed | RunState::PartlyFailed),
            "{ended:?}"
        );
        stage.graph.clear_faults();
        let work = stage.work().await;
        assert_eq!((work.failures_in_row, work.due_at), (0, scheduled), "{dry_run}");
        stage.clock.advance(Duration::from_hours(2));
        assert_eq!(stage.drive().await.unwrap(), RunEnd::NothingDue);
    }
}

// spec: 163
#[tokio::test]
async fn a_deletion_that_was_refused_is_tried_again_though_a_look_comes_between() {
    let stage = in_step(3).await;
    stage
        .pbx
        .fault(Fault::once("extension/delete", FaultKind::Errcode { code: -1 }));
    pause(&stage.engine, stage.connection, Part::Users, true)
        .await
        .unwrap();
    stage.drive().await.unwrap();
    assert_eq!(stage.extensions().len(), 1);
    stage.pbx.clear_faults();
    stage.clock.advance(Duration::from_secs(1));
    stage.dry_run().await;
    stage.hour().await;
    assert_eq!(
        (stage.extensions().len(), stage.present().await.teardown),
        (0, None)
    );
    assert_eq!(stage.drive().await.unwrap(), RunEnd::NothingDue);
}

#[tokio::test]
async fn changes_of_people_leave_the_trouble_of_contacts_and_its_next_try_alone() {
    let stage = scene().await;
    stage.graph.revoke_role(TENANT, APP, "Contacts.Read").unwrap();
    stage.sync(RunMode::Full).await;
    let troubled = stage.work().await;
    assert!(troubled.problems.contains_key(&SyncPart::Contacts));
    let now = stage.clock.now();
    let haste = shared::store::Haste {
        now,
        due_at: now,
        threshold: 1,
    };
    let changes = shared::domain::change::Changes {
        named: [].into(),
        others: true,
    };
    let store = &stage.engine.store;
    store
        .note_changes(stage.connection, &changes, haste)
        .await
        .unwrap();
    stage.clock.advance(Duration::from_secs(1));
    stage.drive().await.unwrap();
    let run = stage.last_run().await;
    assert_eq!(
        (run.request.trigger, run.state),
        (Trigger::Changes, RunState::Succeeded)
    );
    let work = stage.work().await;
    assert_eq!(
        (&work.problems, work.failures_in_row, work.due_at),
        (&troubled.problems, 1, troubled.due_at)
    );

    stage.graph.grant_role(TENANT, APP, "Contacts.Read").unwrap();
    // Longer than a token lives that lacks it.
    stage.clock.advance(Duration::from_hours(2));
    stage.drive().await.unwrap();
    let work = stage.work().await;
    assert_eq!((work.problems.len(), work.failures_in_row), (0, 0));
}

// spec: 143, 145
#[tokio::test]
async fn what_runs_at_the_scheduled_minute_does_not_take_its_turn() {
    let stage = in_step(2).await;
    let settings = stage.engine.store.settings(stage.connection).await;
    let settings = settings.unwrap().unwrap().value;
    after_save(&stage.engine, stage.connection, &settings, &settings)
        .await
        .unwrap();
    let at = stage.work().await.next_scheduled_at.unwrap();
    stage.clock.advance(Duration::from_hours(24));
    stage.dry_run().await;
    assert_eq!(stage.work().await.next_scheduled_at, Some(at));
    stage.clock.advance(Duration::from_secs(1));
    stage.drive().await.unwrap();
    let run = stage.last_run().await;
    assert_eq!(
        (run.request.trigger, run.state),
        (Trigger::Scheduled, RunState::Succeeded)
    );
    assert!(stage.work().await.next_scheduled_at > Some(stage.clock.now()));
}

// spec: 161, 163, 170
#[tokio::test]
async fn a_deletion_that_waits_for_a_word_still_does_when_another_part_is_paused() {
    let office = office().await;
    let stage = &office.stage;
    pause(&stage.engine, stage.connection, Part::Users, true)
        .await
        .unwrap();
    stage.drive().await.unwrap();
    let held = stage.last_run().await;
    assert_eq!(held.state, RunState::Held);
    pause(&stage.engine, stage.connection, Part::Groups, false)
        .await
        .unwrap();
    assert_eq!(stage.run(held.id).await.state, RunState::Held);
    approve(&stage.engine, stage.connection, held.id).await.unwrap();
    stage.drive().await.unwrap();
    assert_eq!(
        (stage.extensions().len(), stage.present().await.teardown),
        (0, None)
    );
    assert_eq!(office.groups().len(), 1, "kept");
}

// spec: 161, 164
#[tokio::test]
async fn a_second_part_is_deleted_with_the_first_that_waits() {
    let office = office().await;
    let stage = &office.stage;
    pause(&stage.engine, stage.connection, Part::Users, true)
        .await
        .unwrap();
    stage.drive().await.unwrap();
    let first = stage.last_run().await;
    stage.clock.advance(Duration::from_secs(1));
    pause(&stage.engine, stage.connection, Part::Groups, true)
        .await
        .unwrap();
    stage.drive().await.unwrap();
    assert_eq!(stage.run(first.id).await.state, RunState::Cancelled);
    let second = stage.last_run().await;
    assert_eq!(
        (second.state, stage.extensions().len()),
        (RunState::Held, 12),
        "{second:?}"
    );
    approve(&stage.engine, stage.connection, second.id).await.unwrap();
    stage.drive().await.unwrap();
    stage.hour().await;
    assert_eq!((stage.extensions().len(), office.groups().len()), (0, 0));
    assert_eq!(stage.present().await.teardown, None);
}

// spec: 161
#[tokio::test]
async fn a_part_that_is_resumed_leaves_the_deletion_of_the_other() {
    let office = office().await;
    let stage = &office.stage;
    for part in [Part::Users, Part::Groups] {
        pause(&stage.engine, stage.connection, part, true).await.unwrap();
    }
    resume(&stage.engine, stage.connection, Part::Users)
        .await
        .unwrap();
    stage.hour().await;
    assert_eq!((stage.extensions().len(), office.groups().len()), (12, 0));
    assert_eq!(stage.present().await.teardown, None);
}

// spec: 161, 163
#[tokio::test]
async fn a_deletion_under_way_goes_on_when_another_part_is_paused() {
    let office = Office::with(&["Ada Example", "Bo Example"]).await;
    let stage = &office.stage;
    office.group("Sales", &["Ada Example"]);
    stage.sync(RunMode::Full).await;
    stage.clock.advance(Duration::from_secs(1));
    pause(&stage.engine, stage.connection, Part::Users, true)
        .await
        .unwrap();
    let over = Deadline::at(stage.clock.now());
    assert!(matches!(
        stage.drive_until(&over).await.unwrap(),
        RunEnd::Continues(_)
    ));
    pause(&stage.engine, stage.connection, Part::Groups, false)
        .await
        .unwrap();
    stage.hour().await;
    assert_eq!(
        (stage.extensions().len(), stage.present().await.teardown),
        (0, None)
    );
}

#[tokio::test]
async fn whoever_stops_a_deletion_under_way_keeps_what_is_left() {
    let stage = in_step(3).await;
    pause(&stage.engine, stage.connection, Part::Users, true)
        .await
        .unwrap();
    let over = Deadline::at(stage.clock.now());
    let RunEnd::Continues(id) = stage.drive_until(&over).await.unwrap() else {
        unreachable!("it was given no time");
    };
    cancel(&stage.engine, stage.connection, id).await.unwrap();
    stage.hour().await;
    assert_eq!(
        (stage.extensions().len(), stage.present().await.teardown),
        (3, None)
    );
}
