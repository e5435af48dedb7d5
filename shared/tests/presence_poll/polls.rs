//! What a poll carries, to whom, how often; and what it says when it cannot.

use std::time::Duration;

use jiff::SignedDuration;
use shared::deadline::Deadline;
use shared::domain::ids::ConnectionId;
use shared::domain::office_hours::OfficeHours;
use shared::domain::operation_record::OperationKind;
use shared::domain::presence::{ChosenBy, PresenceChoice, TeamsStatus};
use shared::domain::settings::{Day, ExtensionPresence, OnOff, PresenceMapping};
use shared::domain::sync_run::RunMode;
use shared::metrics::PRESENCE;
use shared::ports::Clock as _;
use shared::presence_poll::{PollEnd, poll_due};
use shared::store::{PollCounts, ProblemKind};
use shared::testing::logs::{Logs, all_metrics_of};

use crate::store_support::{leased, record, run_of, user};
use crate::support::{GraphTrouble, Scene, Trouble, change_settings};

fn counts(end: &PollEnd) -> PollCounts {
    match end {
        PollEnd::Polled(counts) | PollEnd::Failed(counts) => *counts,
        other => panic!("it was not polled: {other:?}"),
    }
}

async fn good(scene: &Scene) -> PollCounts {
    let end = scene.poll().await.unwrap();
    assert!(matches!(end, PollEnd::Polled(_)), "{end:?}");
    counts(&end)
}

async fn failed(scene: &Scene) -> PollCounts {
    let end = scene.poll().await.unwrap();
    assert!(matches!(end, PollEnd::Failed(_)), "{end:?}");
    counts(&end)
}

// spec: 9, 133, 134
#[tokio::test]
async fn a_change_in_teams_is_carried_once_and_what_a_person_sets_by_hand_stays_until_the_next() {
    let scene = Scene::with(3).await;
    let first = good(&scene).await;
    assert_eq!((first.people, first.known, first.written), (3, 3, 3));
    scene.teams(2, TeamsStatus::Busy);
    let second = good(&scene).await;
    assert_eq!((second.changed, second.written, second.failed), (1, 1, 0));
    assert_eq!(scene.shown(2), ExtensionPresence::Away);
    scene.by_hand(2, ExtensionPresence::BusinessTrip);
    for _ in 0..3 {
        assert_eq!(good(&scene).await.changed, 0);
    }
    assert_eq!(scene.shown(2), ExtensionPresence::BusinessTrip);
    scene.teams(2, TeamsStatus::BeRightBack);
    good(&scene).await;
    assert_eq!(scene.shown(2), ExtensionPresence::Lunch);
    assert_eq!(scene.writes(), 5);
}

#[tokio::test]
async fn two_statuses_that_lead_to_one_are_two_changes() {
    let scene = Scene::with(1).await;
    scene.teams(1, TeamsStatus::Away);
    good(&scene).await;
    scene.by_hand(1, ExtensionPresence::Available);
    scene.teams(1, TeamsStatus::Offline);
    good(&scene).await;
    assert_eq!(scene.shown(1), ExtensionPresence::OffWork);
}

// spec: 135
#[tokio::test]
async fn whoever_did_not_choose_it_is_left_alone_and_a_choice_counts_from_the_next_poll() {
    let scene = Scene::with(3).await;
    change_settings(&scene.store, scene.id, |settings| {
        settings.presence.users_default = OnOff::Off;
    })
    .await;
    assert_eq!(good(&scene).await.people, 0);
    let own = PresenceMapping {
        busy: ExtensionPresence::BusinessTrip,
        ..PresenceMapping::default()
    };
    let choice = PresenceChoice {
        enabled: true,
        mapping: Some(own),
        by: ChosenBy::Person,
        at: scene.table.clock.now(),
    };
    scene
        .store
        .put_presence_choice(scene.id, user(2), Some(&choice))
        .await
        .unwrap();
    for n in 1..=3 {
        scene.teams(n, TeamsStatus::Busy);
    }
    let polled = good(&scene).await;
    assert_eq!((polled.people, polled.written), (1, 1));
    assert_eq!(
        [1, 2, 3].map(|n| scene.shown(n)),
        [
            ExtensionPresence::Available,
            ExtensionPresence::BusinessTrip,
            ExtensionPresence::Available
        ]
    );
    let off = PresenceChoice {
        enabled: false,
        ..choice
    };
    scene
        .store
        .put_presence_choice(scene.id, user(2), Some(&off))
        .await
        .unwrap();
    scene.teams(2, TeamsStatus::Available);
    assert_eq!(good(&scene).await.people, 0);
    assert_eq!(scene.shown(2), ExtensionPresence::BusinessTrip);
    // Whoever comes back is a newcomer: what Teams shows is carried.
    scene
        .store
        .put_presence_choice(scene.id, user(2), Some(&choice))
        .await
        .unwrap();
    assert_eq!(good(&scene).await.written, 1);
    assert_eq!(scene.shown(2), ExtensionPresence::Available);
}

#[tokio::test]
async fn people_without_teams_are_skipped_and_people_who_leave_are_dropped() {
    let scene = Scene::with(3).await;
    scene.both.world().teams.remove(&user(3));
    let polled = good(&scene).await;
    assert_eq!((polled.people, polled.known, polled.written), (3, 2, 2));
    let lease = leased(&scene.store, scene.id).await;
    let binding = scene.store.binding(scene.id, user(1)).await.unwrap().unwrap();
    let run = run_of(scene.id, RunMode::Full);
    let gone = record(run.id, 1, OperationKind::Delete);
    scene.store.forget(&lease, &binding, &gone).await.unwrap();
    scene.store.release_lease(&lease).await.unwrap();
    // Nothing says so before the next run, or the hour.
    assert_eq!(good(&scene).await.people, 3);
    scene.table.clock.advance(Duration::from_hours(1));
    assert_eq!(good(&scene).await.people, 2);
    scene.teams(1, TeamsStatus::Busy);
    good(&scene).await;
    assert_eq!(scene.shown(1), ExtensionPresence::Available);
}

#[tokio::test]
async fn a_message_that_comes_twice_or_while_a_poll_is_at_work_does_nothing() {
    let scene = Scene::with(2).await;
    scene.both.world().troubles.push_back(Some(Trouble::DiesBefore));
    let at_work = scene.message();
    tokio::pin!(at_work);
    tokio::select! {
        end = &mut at_work => panic!("it ended: {end:?}"),
        () = scene.both.died.notified() => {}
    }
    let asked = scene.both.world().questions.len();
    assert_eq!(scene.message().await.unwrap(), PollEnd::NothingDue);
    scene.table.clock.advance(Duration::from_secs(31));
    let now = scene.table.clock.now();
    scene.store.presence_soon(scene.id, true, now).await.unwrap();
    assert_eq!(scene.message().await.unwrap(), PollEnd::HeldByAnother);
    assert_eq!(scene.both.world().questions.len(), asked);
}

#[tokio::test]
async fn the_next_poll_is_due_a_minute_after_the_last_was_due_however_late_its_message_came() {
    let scene = Scene::with(1).await;
    let due = scene.work().await.due_at.unwrap();
    scene.table.clock.advance(Duration::from_secs(4));
    scene.message().await.unwrap();
    assert_eq!(
        scene.work().await.due_at.unwrap(),
        due + SignedDuration::from_mins(1)
    );
    scene.table.clock.advance(Duration::from_mins(20));
    let now = scene.table.clock.now();
    scene.message().await.unwrap();
    assert_eq!(
        scene.work().await.due_at.unwrap(),
        now + SignedDuration::from_secs(30)
    );
}

// spec: 3, 125
#[tokio::test]
async fn a_missing_permission_switches_the_part_off_with_the_sentence_that_mends_it_and_leaves_runs_alone() {
    let scene = Scene::with(2).await;
    let before = scene.store.work_state(scene.id).await.unwrap();
    let connection = scene.store.connection(scene.id).await.unwrap();
    scene
        .both
        .world()
        .graph
        .push_back(Some(GraphTrouble::NoPermission));
    failed(&scene).await;
    let work = scene.work().await;
    let problem = work.problem.unwrap();
    assert_eq!(problem.kind, ProblemKind::Permission);
    assert!(problem.sentence.contains("Presence.Read.All"));
    let wait = work.due_at.unwrap().duration_since(scene.table.clock.now());
    assert_eq!(wait, SignedDuration::from_mins(15));
    assert_eq!(scene.writes(), 0);
    assert_eq!(scene.store.work_state(scene.id).await.unwrap(), before);
    assert_eq!(scene.store.connection(scene.id).await.unwrap(), connection);
}

#[tokio::test]
async fn a_side_that_is_down_is_asked_less_often_and_ten_minutes_of_it_are_an_alert_that_ends() {
    let scene = Scene::with(2).await;
    good(&scene).await;
    let begin = scene.table.clock.now();
    let mut alert_after = None;
    let mut waits = Vec::new();
    for _ in 0..6 {
        scene.both.world().graph.push_back(Some(GraphTrouble::Down));
        failed(&scene).await;
        let work = scene.work().await;
        waits.push(
            work.due_at
                .unwrap()
                .duration_since(scene.table.clock.now())
                .as_secs()
                / 60,
        );
        if work.alert_since.is_some() {
            alert_after.get_or_insert(scene.table.clock.now().duration_since(begin));
        }
    }
    assert_eq!(waits, [1, 2, 4, 8, 15, 15]);
    let silence = alert_after.unwrap().as_secs() / 60;
    assert!((10..=16).contains(&silence), "{silence}");
    good(&scene).await;
    let work = scene.work().await;
    assert_eq!(
        (work.alert_since, work.problem, work.failures_in_row),
        (None, None, 0)
    );
}

#[tokio::test]
async fn refused_credentials_end_it_until_somebody_acts() {
    let scene = Scene::with(3).await;
    scene.both.world().troubles.push_back(Some(Trouble::Shut));
    failed(&scene).await;
    let work = scene.work().await;
    assert_eq!(work.problem.unwrap().kind, ProblemKind::Halted);
    assert_eq!(work.due_at, None);
    assert!(work.alert_since.is_some());
    assert_eq!(scene.message().await.unwrap(), PollEnd::NothingDue);
    let now = scene.table.clock.now();
    scene.store.presence_soon(scene.id, true, now).await.unwrap();
    assert_eq!(good(&scene).await.failed, 0);
    assert_eq!(scene.writes(), 3);
}

#[tokio::test]
async fn a_pbx_that_is_not_there_is_left_after_eight_calls_and_nothing_is_lost() {
    let scene = Scene::with(40).await;
    scene.both.world().troubles = std::iter::repeat_n(Some(Trouble::Busy), 40).collect();
    let polled = failed(&scene).await;
    assert_eq!((polled.changed, polled.written, polled.failed), (40, 0, 40));
    assert!(scene.both.world().tried < 24, "{}", scene.both.world().tried);
    scene.both.world().troubles.clear();
    assert_eq!(good(&scene).await.written, 40);
}

#[tokio::test]
async fn a_value_that_the_pbx_will_not_have_is_not_tried_again_before_teams_changes() {
    let scene = Scene::with(2).await;
    scene.both.world().troubles.push_back(Some(Trouble::Refused));
    let polled = good(&scene).await;
    assert_eq!((polled.written, polled.failed), (1, 1));
    assert_eq!(good(&scene).await.changed, 0);
    for n in 1..=2 {
        scene.teams(n, TeamsStatus::Busy);
    }
    assert_eq!(good(&scene).await.written, 2);
}

#[tokio::test]
async fn of_two_questions_one_may_fail_and_the_other_is_carried() {
    let scene = Scene::with(700).await;
    scene.both.world().graph = [Some(GraphTrouble::Down), None].into();
    let polled = failed(&scene).await;
    assert!([50, 650].contains(&polled.written), "{polled:?}");
    good(&scene).await;
    assert_eq!(scene.writes(), 700);
}

#[tokio::test]
async fn outside_office_hours_nobody_is_asked_and_what_changed_meanwhile_is_carried_when_they_begin() {
    let scene = Scene::with(1).await;
    good(&scene).await;
    change_settings(&scene.store, scene.id, |settings| {
        settings.schedule.time_zone = "Europe/Berlin".to_owned();
        settings.presence.office_hours = Some(OfficeHours {
            days: [Day::Monday, Day::Tuesday].into(),
            from: "08:00".to_owned(),
            to: "18:00".to_owned(),
        });
    })
    .await;
    // It is Monday, 10 in Berlin; two minutes past six nobody is asked any more.
    scene.table.clock.advance(Duration::from_mins(8 * 60 + 2));
    let asked = scene.both.world().questions.len();
    scene.teams(1, TeamsStatus::Offline);
    let end = scene.message().await.unwrap();
    let begin = "2026-03-03T07:00:00Z".parse().unwrap();
    assert_eq!(end, PollEnd::Closed(begin));
    let work = scene.work().await;
    assert_eq!(work.due_at, Some(begin));
    assert!(!work.is_silent(begin));
    assert_eq!(scene.both.world().questions.len(), asked);
    assert_eq!(scene.shown(1), ExtensionPresence::Available);
    good(&scene).await;
    assert_eq!(scene.shown(1), ExtensionPresence::OffWork);
}

#[tokio::test]
async fn switched_off_it_rests_and_switched_on_again_it_goes_on() {
    let scene = Scene::with(1).await;
    good(&scene).await;
    change_settings(&scene.store, scene.id, |settings| {
        settings.presence.enabled = false;
    })
    .await;
    scene.teams(1, TeamsStatus::Busy);
    assert_eq!(scene.poll().await.unwrap(), PollEnd::Off);
    let work = scene.work().await;
    assert_eq!((work.due_at, work.wanted_since), (None, None));
    assert!(!work.is_silent(scene.table.clock.now() + SignedDuration::from_hours(9)));
    change_settings(&scene.store, scene.id, |settings| {
        settings.presence.enabled = true;
    })
    .await;
    let now = scene.table.clock.now();
    scene.store.presence_soon(scene.id, true, now).await.unwrap();
    assert_eq!(good(&scene).await.written, 1);
}

#[tokio::test]
async fn no_more_is_begun_when_the_time_is_over_and_the_next_poll_goes_on() {
    let scene = Scene::with(5).await;
    let over = Deadline::when_asked();
    over.ask();
    let end = poll_due(&scene.poller, scene.id, &over).await.unwrap();
    assert_eq!(counts(&end).written, 0);
    assert_eq!(scene.writes(), 0);
    assert_eq!(good(&scene).await.written, 5);
}

#[tokio::test]
async fn a_connection_that_is_gone_leaves_nothing_due() {
    let scene = Scene::with(1).await;
    good(&scene).await;
    scene.store.delete_connection(scene.id).await.unwrap();
    assert!(scene.store.presence_work(scene.id).await.unwrap().is_none());
    assert!(scene.store.presence_standings(scene.id).await.unwrap().is_empty());
    assert_eq!(scene.message().await.unwrap(), PollEnd::NothingDue);
    let nobody = ConnectionId::from(uuid::Uuid::from_u128(9));
    let none = poll_due(&scene.poller, nobody, &Deadline::when_asked()).await;
    assert_eq!(none.unwrap(), PollEnd::NothingDue);
}

#[tokio::test]
async fn a_poll_that_had_something_to_do_is_told_in_numbers_and_a_quiet_one_is_not() {
    let scene = Scene::with(2).await;
    let logs = Logs::of_function("stack-presence-poll");
    good(&scene).await;
    let line = logs.line("presence was polled");
    let metrics = all_metrics_of(&PRESENCE, &line);
    assert_eq!((metrics["people"], metrics["written"]), (2.0, 2.0));
    assert_eq!((metrics["failed"], metrics["failed_polls"]), (0.0, 0.0));
    assert_eq!(line["connection.id"], scene.id.to_string());
    good(&scene).await;
    let told = logs
        .lines()
        .iter()
        .filter(|line| line.get("_aws").is_some())
        .count();
    assert_eq!(told, 1, "{}", logs.text());
}
