//! Pause, disable, disconnect, and the way back from each: what is kept, what goes, and what nothing happens to.

use std::time::Duration;

use serde_json::json;
use shared::deadline::Deadline;
use shared::domain::connection::{Connection, ConnectionStatus};
use shared::domain::ids::ConnectionId;
use shared::domain::operation_record::{OperationKind, OutcomeKind, Reason};
use shared::domain::part::Part;
use shared::domain::sync_run::{RunMode, RunState, SyncRun, Trigger};
use shared::domain::teardown::Ticked;
use shared::ports::SyncHint;
use shared::store::CreateOutcome;
use shared::sync_run::approval::{VerdictError, approve, reject};
use shared::sync_run::lifecycle::{LifecycleError, disable, disconnect, enable, pause, resume};
use shared::sync_run::run::{RunEnd, run_due};
use simulators::pbx::{Fault, FaultKind};

use crate::stage::{APP, SECRET, Stage, TENANT, extension, person};

const KEEP: Ticked = Ticked {
    extensions: false,
    extension_groups: false,
};
const DELETE: Ticked = Ticked {
    extensions: true,
    extension_groups: false,
};

/// This many people in step, and one extension that nobody synced.
async fn in_step(people: usize) -> Stage {
    let people: Vec<_> = (0..people).map(|n| person(&format!("P{n:02} Example"))).collect();
    let stage = Stage::with(&people, vec![extension("1001", "Foreign", "f@contoso.example")]).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    // Runs sort by the time they were asked for at.
    stage.clock.advance(Duration::from_secs(1));
    stage
}

impl Stage {
    async fn stored(&self) -> Connection {
        let stored = self.engine.store.connection(self.connection).await;
        stored.unwrap().unwrap().value
    }

    /// The next one is newer.
    async fn newest_run(&self) -> SyncRun {
        self.clock.advance(Duration::from_secs(1));
        let runs = self.engine.store.runs(self.connection, 1, None).await.unwrap();
        runs.items.into_iter().next().unwrap()
    }
}

// spec: 160, 166, 167
#[tokio::test]
async fn a_paused_part_writes_nothing_and_the_first_run_after_it_puts_all_in_step() {
    let stage = in_step(2).await;
    let bound = stage.bindings().await;
    pause(&stage.engine, stage.connection, Part::Users, false)
        .await
        .unwrap();
    stage.edit("P00 Example", &json!({"jobTitle": "Manager"}));
    let by_hand = json!({"first_name": "Hacked"});
    stage
        .pbx
        .edit_extension("2001", by_hand.as_object().unwrap().clone())
        .unwrap();
    stage.clock.advance(Duration::from_hours(48));
    stage.sync(RunMode::Full).await;
    assert_eq!(stage.extensions()["2000"].title, "");
    assert_eq!(stage.extensions()["2001"].first_name, "Hacked");
    assert_eq!(stage.bindings().await, bound);

    resume(&stage.engine, stage.connection, Part::Users)
        .await
        .unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!((run.counts().update, run.counts().create), (2, 0));
    assert_eq!(stage.extensions()["2000"].title, "Manager");
    assert_eq!(stage.extensions()["2001"].first_name, "P01");
    assert_eq!(stage.bindings().await, bound);
}

// spec: 163, 164, 165
#[tokio::test]
async fn a_pause_with_deletion_deletes_what_was_synced_and_nothing_else() {
    let stage = in_step(3).await;
    pause(&stage.engine, stage.connection, Part::Users, true)
        .await
        .unwrap();
    assert_eq!(stage.extensions().len(), 4, "the run does it, not the word");
    stage.drive().await.unwrap();
    assert_eq!(stage.extensions().keys().collect::<Vec<_>>(), ["1001"]);
    assert!(stage.bindings().await.is_empty());
    let run = stage.newest_run().await;
    assert_eq!((run.state, run.counts().delete), (RunState::Succeeded, 3));
    let records = stage.records(run.id).await;
    let told = |record: &shared::domain::operation_record::OperationRecord| {
        record.kind == OperationKind::Delete
            && record.reason == Reason::SwitchedOff
            && record
                .before
                .as_ref()
                .is_some_and(|before| before.contains_key("email"))
    };
    assert!(records.len() == 3 && records.iter().all(told), "{records:?}");
    let connection = stage.stored().await;
    assert_eq!(
        (connection.status, connection.teardown),
        (ConnectionStatus::Connected, None)
    );

    resume(&stage.engine, stage.connection, Part::Users)
        .await
        .unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.counts().create, 3);
}

#[tokio::test]
async fn deleting_many_on_a_pause_waits_for_a_persons_word() {
    let stage = in_step(12).await;
    pause(&stage.engine, stage.connection, Part::Users, true)
        .await
        .unwrap();
    stage.drive().await.unwrap();
    let held = stage.newest_run().await;
    assert_eq!((held.state, stage.extensions().len()), (RunState::Held, 13));
    assert!(stage.stored().await.teardown.is_some());

    approve(&stage.engine, stage.connection, held.id).await.unwrap();
    assert_eq!(stage.drive().await.unwrap(), RunEnd::Finished(held.id));
    assert_eq!(
        (stage.extensions().len(), stage.stored().await.teardown),
        (1, None)
    );
}

#[tokio::test]
async fn a_rejection_keeps_everything_and_the_part_stays_paused() {
    let stage = in_step(12).await;
    pause(&stage.engine, stage.connection, Part::Users, true)
        .await
        .unwrap();
    stage.drive().await.unwrap();
    let held = stage.newest_run().await;
    reject(&stage.engine, stage.connection, held.id).await.unwrap();
    assert_eq!(
        (stage.stored().await.teardown, stage.bindings().await.len()),
        (None, 12)
    );
    stage.clock.advance(Duration::from_hours(48));
    stage.sync(RunMode::Full).await;
    assert_eq!(stage.extensions().len(), 13);
    let rejected = stage.records(held.id).await;
    assert!(rejected.iter().all(|line| line.outcome == OutcomeKind::Rejected));
}

#[tokio::test]
async fn who_resumes_before_the_deletion_keeps_the_extensions() {
    let stage = in_step(12).await;
    pause(&stage.engine, stage.connection, Part::Users, true)
        .await
        .unwrap();
    stage.drive().await.unwrap();
    let held = stage.newest_run().await;
    resume(&stage.engine, stage.connection, Part::Users)
        .await
        .unwrap();
    assert_eq!(
        (stage.run(held.id).await.state, stage.stored().await.teardown),
        (RunState::Cancelled, None)
    );
    let refused = approve(&stage.engine, stage.connection, held.id).await;
    assert!(matches!(refused, Err(VerdictError::AlreadyOver)), "{refused:?}");
    let run = stage.sync(RunMode::Full).await;
    assert_eq!((run.counts().unchanged, stage.extensions().len()), (12, 13));
}

// spec: 169, 171, 172, 174
#[tokio::test]
async fn nothing_runs_while_disabled_and_enabling_goes_on_without_duplicates() {
    let stage = in_step(2).await;
    let bound = stage.bindings().await;
    stage.ask(RunMode::Full, false).await;
    disable(&stage.engine, stage.connection, KEEP).await.unwrap();
    assert_eq!(stage.status().await, ConnectionStatus::Disabled);
    stage.graph.create_user(TENANT, &person("New Example")).unwrap();
    stage.pbx.delete_extension("2001").unwrap();
    for _ in 0..3 {
        stage.clock.advance(Duration::from_hours(24));
        stage.drive().await.unwrap();
    }
    assert_eq!(stage.drive().await.unwrap(), RunEnd::NothingDue);
    assert_eq!(
        stage.newest_run().await.state,
        RunState::Cancelled,
        "the one that waited"
    );
    assert_eq!(stage.extensions().len(), 2);
    assert_eq!(stage.bindings().await, bound);

    enable(&stage.engine, stage.connection, ConnectionStatus::Connected)
        .await
        .unwrap();
    let run = stage.sync(RunMode::Full).await;
    let created: Vec<_> = stage
        .records(run.id)
        .await
        .into_iter()
        .map(|line| line.reason)
        .collect();
    assert_eq!(created.len(), 2);
    assert!(created.contains(&Reason::DeletedOnPbx) && created.contains(&Reason::NewInScope));
    assert_eq!((stage.extensions().len(), stage.bindings().await.len()), (4, 3));
}

#[tokio::test]
async fn a_run_that_was_cut_does_not_go_on_while_disabled() {
    let stage = in_step(0).await;
    for n in 0..6 {
        stage
            .graph
            .create_user(TENANT, &person(&format!("N{n} Example")))
            .unwrap();
    }
    let id = stage.ask(RunMode::Full, false).await;
    let soon = Deadline::at(stage.clock.now());
    assert_eq!(stage.drive_until(&soon).await.unwrap(), RunEnd::Continues(id));
    disable(&stage.engine, stage.connection, KEEP).await.unwrap();
    stage.drive().await.unwrap();
    assert_eq!(
        (stage.run(id).await.state, stage.extensions().len()),
        (RunState::Cancelled, 1)
    );
}

#[tokio::test]
async fn changes_that_wait_while_disabled_start_no_run_and_are_synced_after_enabling() {
    let stage = in_step(1).await;
    let changes = shared::domain::change::Changes {
        named: [].into(),
        others: true,
    };
    let now = stage.clock.now();
    let haste = shared::store::Haste {
        now,
        due_at: now,
        threshold: 1,
    };
    disable(&stage.engine, stage.connection, KEEP).await.unwrap();
    stage
        .engine
        .store
        .note_changes(stage.connection, &changes, haste)
        .await
        .unwrap();
    let runs = || async {
        stage
            .engine
            .store
            .runs(stage.connection, 10, None)
            .await
            .unwrap()
            .items
            .len()
    };
    let before = runs().await;
    for _ in 0..3 {
        assert_eq!(stage.drive().await.unwrap(), RunEnd::NothingDue);
    }
    assert_eq!(runs().await, before);
    assert_eq!(
        stage.engine.store.pending(stage.connection).await.unwrap().due_at,
        None
    );
}

// spec: 170
#[tokio::test]
async fn disabling_may_delete_the_extensions_and_stays_disabled() {
    let stage = in_step(3).await;
    disable(&stage.engine, stage.connection, DELETE).await.unwrap();
    stage.drive().await.unwrap();
    let connection = stage.stored().await;
    assert_eq!(
        (connection.status, connection.teardown),
        (ConnectionStatus::Disabled, None)
    );
    assert_eq!((stage.extensions().len(), stage.bindings().await.len()), (1, 0));
    stage.clock.advance(Duration::from_hours(48));
    assert_eq!(stage.drive().await.unwrap(), RunEnd::NothingDue);
}

#[tokio::test]
async fn removals_are_tried_again_until_the_pbx_answers() {
    let stage = in_step(3).await;
    stage.pbx.fault(Fault::forever(
        "extension/delete",
        FaultKind::Errcode { code: -1 },
    ));
    disable(&stage.engine, stage.connection, DELETE).await.unwrap();
    stage.drive().await.unwrap();
    assert!(stage.stored().await.teardown.is_some());
    stage.pbx.clear_faults();
    for _ in 0..3 {
        stage.clock.advance(Duration::from_mins(20));
        stage.drive().await.unwrap();
    }
    assert_eq!(
        (stage.stored().await.teardown, stage.extensions().len()),
        (None, 1)
    );
}

// spec: 175, 178, 179, 180
#[tokio::test]
async fn a_disconnection_lets_go_and_connecting_again_takes_over_without_duplicates() {
    let mut stage = in_step(12).await;
    let before = stage.extensions();
    let bound = stage.bindings().await;
    disconnect(&stage.engine, stage.connection, KEEP).await.unwrap();
    assert!(stage.stored().await.is_being_disconnected());
    stage.drive().await.unwrap();
    let run = stage.newest_run().await;
    assert_eq!((run.state, run.counts().release), (RunState::Succeeded, 12));
    let old = stage.stored().await;
    assert_eq!(
        (&old.status, &old.teardown),
        (&ConnectionStatus::Disconnected, &None)
    );
    let store = &stage.engine.store;
    assert!(store.secrets(old.id).await.unwrap().is_none());
    assert!(store.watch(old.id).await.unwrap().is_none());
    assert!(stage.bindings().await.is_empty());
    assert_eq!(stage.extensions(), before);

    let again = Connection {
        id: ConnectionId::generate(stage.clock.now()),
        status: ConnectionStatus::Connected,
        ..old.clone()
    };
    let made = store
        .create_connection(&again, &crate::stage::secrets())
        .await
        .unwrap();
    assert_eq!(made, CreateOutcome::Created, "the PBX is free");
    store.delete_connection(old.id).await.unwrap();
    let third = Connection {
        id: old.id,
        ..again.clone()
    };
    let taken = store.create_connection(&third, &crate::stage::secrets()).await;
    assert_eq!(
        taken.unwrap(),
        CreateOutcome::PbxInUse(again.id),
        "deleting the old one frees nothing"
    );

    stage.connection = again.id;
    stage.settings(|_| {}).await;
    let run = stage.sync(RunMode::Full).await;
    assert_eq!((run.counts().bind, run.counts().create), (12, 0));
    assert_eq!((stage.extensions(), stage.bindings().await), (before, bound));
}

// spec: 176, 177
#[tokio::test]
async fn a_disconnection_may_delete_what_was_synced() {
    let stage = in_step(3).await;
    disconnect(&stage.engine, stage.connection, DELETE).await.unwrap();
    stage.drive().await.unwrap();
    assert_eq!(stage.status().await, ConnectionStatus::Disconnected);
    assert_eq!(stage.extensions().keys().collect::<Vec<_>>(), ["1001"]);
}

#[tokio::test]
async fn who_only_lets_go_needs_neither_side() {
    let stage = in_step(3).await;
    stage
        .pbx
        .fault(Fault::forever("*", FaultKind::Errcode { code: -1 }));
    stage.graph.expire_secret(TENANT, APP, SECRET).unwrap();
    disconnect(&stage.engine, stage.connection, KEEP).await.unwrap();
    stage.drive().await.unwrap();
    assert_eq!(stage.status().await, ConnectionStatus::Disconnected);
    assert_eq!(stage.extensions().len(), 4);
}

#[tokio::test]
async fn a_held_disconnection_may_become_one_that_lets_go_or_be_called_off() {
    let stage = in_step(12).await;
    disconnect(&stage.engine, stage.connection, DELETE).await.unwrap();
    stage.drive().await.unwrap();
    let held = stage.newest_run().await;
    assert_eq!((held.state, stage.extensions().len()), (RunState::Held, 13));
    let refused = enable(&stage.engine, stage.connection, ConnectionStatus::Connected).await;
    assert!(
        matches!(refused, Err(LifecycleError::BeingDisconnected)),
        "{refused:?}"
    );
    reject(&stage.engine, stage.connection, held.id).await.unwrap();
    let kept = stage.stored().await;
    assert_eq!((kept.status, kept.teardown), (ConnectionStatus::Disabled, None));

    disconnect(&stage.engine, stage.connection, DELETE).await.unwrap();
    stage.drive().await.unwrap();
    disconnect(&stage.engine, stage.connection, KEEP).await.unwrap();
    stage.drive().await.unwrap();
    assert_eq!(
        (stage.status().await, stage.extensions().len()),
        (ConnectionStatus::Disconnected, 13)
    );
}

#[tokio::test]
async fn a_second_worker_finds_nothing_left_to_take_away() {
    let stage = in_step(3).await;
    disconnect(&stage.engine, stage.connection, DELETE).await.unwrap();
    let hint = SyncHint {
        connection_id: stage.connection,
        trigger: Trigger::Manual,
        run_id: None,
    };
    let (engine, other) = (stage.fresh_process(), stage.fresh_process());
    let deadline = Deadline::when_asked();
    let (one, two) = tokio::join!(
        run_due(&engine, &hint, &deadline),
        run_due(&other, &hint, &deadline)
    );
    let finished = [one.unwrap(), two.unwrap()]
        .iter()
        .filter(|end| matches!(end, RunEnd::Finished(_)))
        .count();
    assert_eq!(
        (finished, stage.status().await),
        (1, ConnectionStatus::Disconnected)
    );
    assert_eq!(stage.extensions().len(), 1);
}
