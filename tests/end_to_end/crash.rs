//! A crash at any effect: before it, after it, or with its answer lost. Running again must end in the state that an
//! undisturbed run ends in, with no extension twice and nobody lost. Every effect of every scenario is cut.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use shared::domain::extension::OwnedFields;
use shared::domain::part::Part;
use shared::domain::settings::GroupTarget;
use shared::domain::sync_run::RunMode;
use shared::domain::teardown::Ticked;
use shared::sync_run::lifecycle::{disable, disconnect, pause};
use uuid::Uuid;

use crate::contacts::{card, choose};
use crate::office::{Groups, departments_of, groups_of};
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
    ContactsCome,
    ContactsChange,
    ContactsDrift,
    PhonebookDeleted,
    MailboxLeaves,
    JoinersInGroups,
    GroupMembersMoved,
    GroupRenamed,
    GroupNameHandedOn,
    GroupDrift,
    GroupDeletedOnPbx,
    GroupDeleted,
    GroupReleased,
    DepartmentsMade,
    DepartmentMembersMoved,
    PausedDeleting,
    DisabledDeleting,
    DisconnectedDeleting,
    DisconnectedKeeping,
}

const ALL: [Scenario; 33] = [
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
    Scenario::ContactsCome,
    Scenario::ContactsChange,
    Scenario::ContactsDrift,
    Scenario::PhonebookDeleted,
    Scenario::MailboxLeaves,
    Scenario::JoinersInGroups,
    Scenario::GroupMembersMoved,
    Scenario::GroupRenamed,
    Scenario::GroupNameHandedOn,
    Scenario::GroupDrift,
    Scenario::GroupDeletedOnPbx,
    Scenario::GroupDeleted,
    Scenario::GroupReleased,
    Scenario::DepartmentsMade,
    Scenario::DepartmentMembersMoved,
    Scenario::PausedDeleting,
    Scenario::DisabledDeleting,
    Scenario::DisconnectedDeleting,
    Scenario::DisconnectedKeeping,
];

/// What must be the same however often a run was cut: extensions and who has which, groups and which have which, every contact
/// with the names of its phonebooks, and how the connection stands.
#[derive(Debug, PartialEq)]
struct Outcome {
    extensions: BTreeMap<String, OwnedFields>,
    bindings: BTreeMap<String, String>,
    groups: Groups,
    departments: Groups,
    group_bindings: BTreeMap<String, String>,
    contacts: Vec<String>,
    stands: String,
}

fn named(name: &str, id: &str) -> serde_json::Value {
    let mut person = person(name);
    person["id"] = json!(id);
    person
}

const ADA: &str = "00000000-0000-4000-8000-00000000000a";
const BO: &str = "00000000-0000-4000-8000-00000000000b";
const CY: &str = "00000000-0000-4000-8000-00000000000c";
const SALES: &str = "00000000-0000-4000-8000-0000000000a1";
const NIGHT: &str = "00000000-0000-4000-8000-0000000000a2";
const LATE: &str = "00000000-0000-4000-8000-0000000000a3";

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
        if self.has_contacts() {
            plant_contacts(&stage);
        }
        if self.has_groups() {
            set_groups_up(&stage);
        }
        stage.settings(|settings| self.rules(settings)).await;
        let arrives_settled = !matches!(
            self,
            Self::Joiners
                | Self::JoinersWelcomed
                | Self::JoinerWithoutMail
                | Self::TakenOver
                | Self::QueueNumber
                | Self::ContactsCome
                | Self::JoinersInGroups
                | Self::DepartmentsMade
        );
        if arrives_settled {
            stage.sync(RunMode::Full).await;
        }
        self.change(&stage);
        if matches!(self, Self::MailboxLeaves) {
            let left = [("bo@contoso.example", "Bo's")];
            stage.settings(|settings| choose(settings, &left)).await;
        }
        stage
    }

    fn has_contacts(self) -> bool {
        matches!(
            self,
            Self::ContactsCome
                | Self::ContactsChange
                | Self::ContactsDrift
                | Self::PhonebookDeleted
                | Self::MailboxLeaves
        )
    }

    fn has_groups(self) -> bool {
        matches!(
            self,
            Self::JoinersInGroups
                | Self::GroupMembersMoved
                | Self::GroupRenamed
                | Self::GroupNameHandedOn
                | Self::GroupDrift
                | Self::GroupDeletedOnPbx
                | Self::GroupDeleted
                | Self::GroupReleased
                | Self::DepartmentsMade
                | Self::DepartmentMembersMoved
        )
    }

    fn rules(self, settings: &mut shared::domain::settings::ConnectionSettings) {
        if self.has_contacts() {
            choose(
                settings,
                &[("ada@contoso.example", "Ada's"), ("bo@contoso.example", "Bo's")],
            );
        }
        settings.groups.enabled = self.has_groups();
        settings.groups.delete_when_out_of_scope = !matches!(self, Self::GroupReleased);
        if matches!(self, Self::DepartmentsMade | Self::DepartmentMembersMoved) {
            settings.groups.target = GroupTarget::Organization;
        }
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
            Self::ContactsChange => {
                let ada = stage.id("Ada Example");
                let mailbox = stage.graph.mailbox(TENANT, ada).unwrap().unwrap();
                let ids: Vec<String> = mailbox.folders[&mailbox.default_folder]
                    .contacts
                    .keys()
                    .cloned()
                    .collect();
                stage.graph.delete_contact(TENANT, ada, &ids[0]).unwrap();
                let changed = json!({ "companyName": "Moved" });
                stage
                    .graph
                    .update_contact(TENANT, ada, (&ids[1], &changed))
                    .unwrap();
                stage
                    .graph
                    .create_contact(TENANT, ada, (None, &card("Una New", "030 44")))
                    .unwrap();
            }
            Self::ContactsDrift => {
                let ids: Vec<u32> = stage.pbx.contacts().into_iter().map(|(id, _)| id).collect();
                by_hand(
                    stage,
                    "company_contact/update",
                    &json!({ "id": ids[1], "company": "By hand" }),
                );
                by_hand(
                    stage,
                    "company_contact/update",
                    &json!({ "id": ids[2], "phonebook_id_list": [] }),
                );
                by_hand(stage, "company_contact/delete", &json!({ "id": ids[2] }));
            }
            Self::PhonebookDeleted => {
                let books = stage.pbx.phonebooks();
                let (id, _) = books.iter().find(|(_, book)| book.name == "Ada's").unwrap();
                by_hand(stage, "phonebook/delete", &json!({ "id": id }));
            }
            _ => self.change_groups(stage),
        }
    }

    fn change_groups(self, stage: &Stage) {
        let (graph, id) = (&stage.graph, |text: &str| text.parse::<Uuid>().unwrap());
        let rename = |group: &str, name: &str| {
            let props = json!({ "displayName": name });
            graph.update_group(TENANT, id(group), &props).unwrap();
        };
        match self {
            Self::GroupMembersMoved | Self::DepartmentMembersMoved => {
                graph.remove_member(TENANT, id(SALES), id(ADA)).unwrap();
                graph.add_member(TENANT, id(SALES), id(BO)).unwrap();
            }
            Self::GroupRenamed => rename(SALES, "Verkauf"),
            Self::GroupNameHandedOn => {
                rename(SALES, "Verkauf");
                make_group(stage, LATE, "Inside sales", &[BO]);
            }
            Self::GroupDrift => {
                let (key, _) = inside_sales(stage);
                let by_hand = json!({ "id": key, "name": "By hand", "members": [] });
                let by_hand = by_hand.as_object().unwrap().clone();
                stage.pbx.portal("extensiongroup/update", by_hand).unwrap();
            }
            Self::GroupDeletedOnPbx => {
                let (key, _) = inside_sales(stage);
                let by_hand = json!({ "id": key }).as_object().unwrap().clone();
                stage.pbx.portal("extensiongroup/delete", by_hand).unwrap();
            }
            Self::GroupDeleted | Self::GroupReleased => graph.delete_group(TENANT, id(SALES)).unwrap(),
            _ => {}
        }
    }

    /// What an admin asks for, where that is cut too: it may fail, and then they ask again.
    async fn word(self, stage: &Stage) {
        let (engine, id) = (&stage.engine, stage.connection);
        let extensions = |extensions| Ticked {
            extensions,
            extension_groups: false,
        };
        drop(match self {
            Self::PausedDeleting => pause(engine, id, Part::Users, true).await,
            Self::DisabledDeleting => disable(engine, id, extensions(true)).await,
            Self::DisconnectedDeleting => disconnect(engine, id, extensions(true)).await,
            Self::DisconnectedKeeping => disconnect(engine, id, extensions(false)).await,
            _ => return,
        });
    }

    fn is_an_end(self) -> bool {
        matches!(
            self,
            Self::PausedDeleting
                | Self::DisabledDeleting
                | Self::DisconnectedDeleting
                | Self::DisconnectedKeeping
        )
    }
}

fn by_hand(stage: &Stage, endpoint: &str, body: &serde_json::Value) {
    stage
        .pbx
        .portal(endpoint, body.as_object().unwrap().clone())
        .unwrap();
}

/// A contact that nobody synced, and two mailboxes with contacts.
fn plant_contacts(stage: &Stage) {
    let foreign =
        json!({ "first_name": "Foreign", "number_list": [{ "num_type": "other_number", "number": "7" }] });
    by_hand(stage, "company_contact/create", &foreign);
    for (owner, names) in [
        ("Ada Example", ["Rui Alves", "Mia Berg"]),
        ("Bo Example", ["Jan Kok", "Eva Lund"]),
    ] {
        for (n, name) in names.into_iter().enumerate() {
            let contact = card(name, &format!("030 123456{n}"));
            stage
                .graph
                .create_contact(TENANT, stage.id(owner), (None, &contact))
                .unwrap();
        }
    }
}

/// Every contact of the PBX in a line: one that is there twice shows twice.
fn contacts(stage: &Stage) -> Vec<String> {
    let books: BTreeMap<u32, String> = stage
        .pbx
        .phonebooks()
        .into_iter()
        .map(|(id, book)| (id, book.name))
        .collect();
    let mut lines: Vec<String> = stage
        .pbx
        .contacts()
        .into_iter()
        .map(|(_, contact)| {
            let held: Vec<&str> = contact
                .phonebooks
                .iter()
                .filter_map(|id| books.get(id))
                .map(String::as_str)
                .collect();
            format!(
                "{} {} {} {:?} in {held:?}",
                contact.first_name, contact.last_name, contact.company, contact.numbers
            )
        })
        .collect();
    lines.extend(books.into_values().map(|name| format!("phonebook {name}")));
    lines.sort();
    lines
}

/// Two groups and a firmware that has them.
fn set_groups_up(stage: &Stage) {
    stage.pbx.change_settings(|settings| {
        crate::office::FIRMWARE.clone_into(&mut settings.firmware);
        settings.behaviour.group_rename_honoured = true;
    });
    make_group(stage, SALES, "Inside sales", &[ADA]);
    make_group(stage, NIGHT, "Night shift", &[ADA, BO]);
}

fn make_group(stage: &Stage, id: &str, name: &str, people: &[&str]) {
    let props = json!({
        "id": id, "displayName": name, "groupTypes": [], "mailEnabled": false, "securityEnabled": true,
    });
    let group = stage.graph.create_group(TENANT, &props).unwrap();
    for person in people {
        stage
            .graph
            .add_member(TENANT, group, person.parse().unwrap())
            .unwrap();
    }
}

fn inside_sales(stage: &Stage) -> (u32, simulators::pbx::Group) {
    let groups = stage.pbx.groups();
    groups
        .into_iter()
        .find(|(_, group)| group.name == "Inside sales")
        .unwrap()
}

/// Runs until nothing is left to do, as the schedule would.
async fn settle(scenario: Scenario, stage: &Stage) -> Outcome {
    stage.scissors.heal();
    scenario.word(stage).await;
    for _ in 0..6 {
        // Longer than a lease lives and than the first pauses after a failure.
        stage.clock.advance(Duration::from_mins(20));
        if scenario.is_an_end() {
            stage.drive().await.unwrap();
            continue;
        }
        let run = stage.sync(RunMode::Full).await;
        if run.progress.total == 0 && run.state == shared::domain::sync_run::RunState::Succeeded {
            break;
        }
    }
    let stored = stage.engine.store.connection(stage.connection).await;
    let connection = stored.unwrap().unwrap().value;
    let stands = format!("{:?} {:?}", connection.status, connection.teardown);
    Outcome {
        extensions: stage.extensions(),
        bindings: stage.bindings().await,
        groups: groups_of(stage),
        departments: departments_of(stage),
        group_bindings: group_bindings(stage).await,
        contacts: contacts(stage),
        stands,
    }
}

/// Group to its name on the PBX, as our table has it; unfinished ones with a question mark.
async fn group_bindings(stage: &Stage) -> BTreeMap<String, String> {
    let bindings = stage.engine.store.group_bindings(stage.connection).await.unwrap();
    let told = |b: shared::domain::group_binding::GroupBinding| match b.bound() {
        Some(_) => (b.group.to_string(), b.name),
        None => (b.group.to_string(), format!("{}?", b.name)),
    };
    bindings.into_iter().map(told).collect()
}

async fn cut(scenario: Scenario, at: usize, cut: Cut) -> Outcome {
    let stage = scenario.begin().await;
    if !scenario.is_an_end() {
        stage.ask(RunMode::Full, false).await;
    }
    stage.scissors.cut_at(at, cut);
    scenario.word(&stage).await;
    // However this ends, the process is gone; what counts is what the next one makes of it.
    drop(stage.drive().await);
    settle(scenario, &stage).await
}

async fn every_cut_of(scenario: Scenario) {
    let stage = scenario.begin().await;
    if !scenario.is_an_end() {
        stage.ask(RunMode::Full, false).await;
    }
    stage.scissors.heal();
    scenario.word(&stage).await;
    stage.drive().await.unwrap();
    let effects = stage.scissors.effects();
    let expected = settle(scenario, &stage).await;
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
    contacts_that_come_survive_every_cut => ContactsCome,
    contacts_that_change_survive_every_cut => ContactsChange,
    contacts_changed_by_hand_survive_every_cut => ContactsDrift,
    a_phonebook_deleted_by_hand_survives_every_cut => PhonebookDeleted,
    a_mailbox_that_leaves_survives_every_cut => MailboxLeaves,
    joiners_in_groups_survive_every_cut => JoinersInGroups,
    moved_members_survive_every_cut => GroupMembersMoved,
    a_renamed_group_survives_every_cut => GroupRenamed,
    a_group_name_handed_on_survives_every_cut => GroupNameHandedOn,
    drift_of_a_group_survives_every_cut => GroupDrift,
    a_group_deleted_by_hand_survives_every_cut => GroupDeletedOnPbx,
    a_deleted_group_survives_every_cut => GroupDeleted,
    a_released_group_survives_every_cut => GroupReleased,
    departments_survive_every_cut => DepartmentsMade,
    moved_members_of_a_department_survive_every_cut => DepartmentMembersMoved,
    deleting_on_pause_survives_every_cut => PausedDeleting,
    deleting_on_disabling_survives_every_cut => DisabledDeleting,
    deleting_on_disconnection_survives_every_cut => DisconnectedDeleting,
    letting_go_on_disconnection_survives_every_cut => DisconnectedKeeping,
}

#[test]
fn every_scenario_is_cut() {
    assert_eq!(ALL.len(), 33, "a scenario that is added gets its line above");
}
