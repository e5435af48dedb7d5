//! A crash at any effect: before it, after it, or with its answer lost. Running again must end in the state that an
//! undisturbed run ends in, with no extension twice and nobody lost. Every effect of every scenario is cut.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use shared::domain::extension::OwnedFields;
use shared::domain::sync_run::RunMode;

use crate::proxy::Cut;
use crate::stage::{Stage, TENANT, extension, person};

/// How a scenario begins, and what happens before the run that is cut.
#[derive(Clone, Copy, Debug)]
enum Scenario {
    Joiners,
    JoinersWelcomed,
    JoinerWithoutMail,
    TakenOver,
    Mover,
    AddressHandedOn,
    Drift,
    DeletedOnPbx,
    Disabled,
    Deleted,
    Released,
    GraceBegins,
    QueueNumber,
    NumberHandedOn,
}

const ALL: [Scenario; 14] = [
    Scenario::Joiners,
    Scenario::JoinersWelcomed,
    Scenario::JoinerWithoutMail,
    Scenario::TakenOver,
    Scenario::Mover,
    Scenario::AddressHandedOn,
    Scenario::Drift,
    Scenario::DeletedOnPbx,
    Scenario::Disabled,
    Scenario::Deleted,
    Scenario::Released,
    Scenario::GraceBegins,
    Scenario::QueueNumber,
    Scenario::NumberHandedOn,
];

/// What must be the same however often a run was cut: extensions, and who has which.
type Outcome = (BTreeMap<String, OwnedFields>, BTreeMap<String, String>);

fn named(name: &str, id: &str) -> serde_json::Value {
    let mut person = person(name);
    person["id"] = json!(id);
    person
}

const ADA: &str = "00000000-0000-4000-8000-00000000000a";
const BO: &str = "00000000-0000-4000-8000-00000000000b";
const CY: &str = "00000000-0000-4000-8000-00000000000c";

impl Scenario {
    async fn begin(self) -> Stage {
        let mut others = vec![extension("1001", "Foreign", "f@contoso.example")];
        if matches!(self, Self::TakenOver) {
            others.push(extension("1002", "Old", "ada@contoso.example"));
        }
        let mut ada = named("Ada Example", ADA);
        if matches!(self, Self::JoinerWithoutMail) {
            ada["mail"] = json!(null);
            ada["userPrincipalName"] = json!("ada_x#EXT#@contoso.example");
        }
        ada["businessPhones"] = json!(["3001"]);
        let stage = Stage::with(&[ada, named("Bo Example", BO)], others).await;
        stage.settings(|settings| self.rules(settings)).await;
        let arrives_settled = !matches!(
            self,
            Self::Joiners
                | Self::JoinersWelcomed
                | Self::JoinerWithoutMail
                | Self::TakenOver
                | Self::QueueNumber
        );
        if arrives_settled {
            stage.sync(RunMode::Full).await;
        }
        self.change(&stage);
        stage
    }

    fn rules(self, settings: &mut shared::domain::settings::ConnectionSettings) {
        let users = &mut settings.users;
        match self {
            Self::JoinersWelcomed => users.send_welcome_email = true,
            Self::GraceBegins => users.delete_grace_days = 7,
            Self::QueueNumber => {
                users.number = serde_json::from_value(json!({"kind": "automatic", "start": "6402"})).unwrap();
            }
            Self::NumberHandedOn => {
                users.number =
                    serde_json::from_value(json!({"kind": "property", "name": "businessPhones"})).unwrap();
            }
            Self::Released => {
                users.scope = serde_json::from_value(json!({"kind": "types", "types": ["member"]})).unwrap();
            }
            _ => {}
        }
    }

    fn change(self, stage: &Stage) {
        match self {
            Self::Mover => stage.edit("Ada Example", &json!({"jobTitle": "Manager", "surname": "Moved"})),
            Self::AddressHandedOn => {
                stage.edit("Ada Example", &json!({"mail": "bo@contoso.example"}));
                stage.edit("Bo Example", &json!({"mail": "bo.new@contoso.example"}));
            }
            Self::Drift => {
                let by_hand = json!({"first_name": "Hacked"});
                stage
                    .pbx
                    .edit_extension("2000", by_hand.as_object().unwrap().clone())
                    .unwrap();
            }
            Self::DeletedOnPbx => stage.pbx.delete_extension("2000").unwrap(),
            Self::Disabled | Self::GraceBegins => {
                stage.graph.disable_user(TENANT, stage.id("Ada Example")).unwrap();
            }
            Self::Deleted => stage.graph.delete_user(TENANT, stage.id("Ada Example")).unwrap(),
            Self::Released => stage.edit("Ada Example", &json!({"userType": "Guest"})),
            Self::NumberHandedOn => {
                stage.graph.delete_user(TENANT, stage.id("Ada Example")).unwrap();
                let mut cy = named("Cy Example", CY);
                cy["businessPhones"] = json!(["3001"]);
                stage.graph.create_user(TENANT, &cy).unwrap();
            }
            _ => {}
        }
    }
}

/// Runs until nothing is left to do, as the schedule would.
async fn settle(stage: &Stage) -> Outcome {
    stage.scissors.heal();
    for _ in 0..6 {
        // Longer than a lease lives and than the first pauses after a failure.
        stage.clock.advance(Duration::from_mins(20));
        let run = stage.sync(RunMode::Full).await;
        if run.progress.total == 0 && run.state == shared::domain::sync_run::RunState::Succeeded {
            break;
        }
    }
    (stage.extensions(), stage.bindings().await)
}

async fn cut(scenario: Scenario, at: usize, cut: Cut) -> Outcome {
    let stage = scenario.begin().await;
    stage.ask(RunMode::Full, false).await;
    stage.scissors.cut_at(at, cut);
    // However this ends, the process is gone; what counts is what the next one makes of it.
    drop(stage.drive().await);
    settle(&stage).await
}

async fn every_cut_of(scenario: Scenario) {
    let stage = scenario.begin().await;
    stage.ask(RunMode::Full, false).await;
    stage.scissors.heal();
    stage.drive().await.unwrap();
    let effects = stage.scissors.effects();
    let expected = settle(&stage).await;
    assert!(
        effects.len() > 3,
        "{scenario:?} does too little to be cut: {effects:?}"
    );
    for (at, effect) in effects.iter().enumerate() {
        for how in [Cut::Before, Cut::After, Cut::AnswerLost] {
            let outcome = cut(scenario, at, how).await;
            assert_eq!(
                outcome, expected,
                "{scenario:?} cut {how:?} at effect {at}, {effect}"
            );
        }
    }
}

macro_rules! scenarios {
    ($($name:ident => $scenario:ident),* $(,)?) => { $(
        #[tokio::test]
        async fn $name() {
            every_cut_of(Scenario::$scenario).await;
        }
    )* };
}

scenarios! {
    joiners_survive_every_cut => Joiners,
    welcomed_joiners_survive_every_cut => JoinersWelcomed,
    a_joiner_without_mail_survives_every_cut => JoinerWithoutMail,
    taking_over_survives_every_cut => TakenOver,
    a_mover_survives_every_cut => Mover,
    an_address_handed_on_survives_every_cut => AddressHandedOn,
    drift_survives_every_cut => Drift,
    an_extension_deleted_by_hand_survives_every_cut => DeletedOnPbx,
    a_disabled_person_survives_every_cut => Disabled,
    a_deleted_person_survives_every_cut => Deleted,
    a_released_person_survives_every_cut => Released,
    days_of_grace_survive_every_cut => GraceBegins,
    a_number_of_a_queue_survives_every_cut => QueueNumber,
    a_number_handed_on_survives_every_cut => NumberHandedOn,
}

#[test]
fn every_scenario_is_cut() {
    assert_eq!(ALL.len(), 14, "a scenario that is added gets its line above");
}
