//! Outlook's contacts in the PBX's phonebooks: from mailboxes of a simulated tenant, through the whole run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::connection::{AttentionCause, AuthorisedAccount, ConnectionStatus};
use shared::domain::ids::EntraUserId;
use shared::domain::operation_record::{ObjectKind, OperationKind, OutcomeKind, Reason};
use shared::domain::settings::{ConnectionSettings, ContactAccess, MailboxScope, MailboxTarget, ScopeKind};
use shared::domain::sync_run::{Counts, RunMode, RunState, SyncPart, SyncRun};
use simulators::graph::{Behaviour, Fault, FaultKind, MailboxState};
use uuid::Uuid;

use crate::browser::{Browser, ORIGIN};
use crate::stage::{APP, Stage, TENANT, person};

pub const SALES: &str = "sales@contoso.example";

/// A contact as somebody types it into Outlook.
pub fn card(name: &str, number: &str) -> Value {
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    json!({
        "displayName": name, "givenName": first, "surname": last, "companyName": "Fabrikam",
        "emailAddresses": [{ "name": name, "address": format!("{}@fabrikam.example", first.to_lowercase()) }],
        "businessPhones": [number],
    })
}

/// The account of a shared mailbox.
pub fn shared_account(name: &str) -> Value {
    let address = format!("{}@contoso.example", name.to_lowercase());
    json!({
        "displayName": name, "mail": address, "userPrincipalName": address, "accountEnabled": false,
        "userType": "Member",
    })
}

/// Another account with a mailbox of this kind.
fn account(stage: &Stage, name: &str, kind: MailboxState) -> Uuid {
    stage.graph.create_user(TENANT, &shared_account(name)).unwrap();
    let id = stage.id(name);
    stage.graph.set_mailbox_state(TENANT, id, kind).unwrap();
    id
}

/// Chooses these shared mailboxes, each for the phonebook named for it.
pub fn choose(settings: &mut ConnectionSettings, mailboxes: &[(&str, &str)]) {
    let contacts = &mut settings.contacts;
    contacts.enabled = true;
    "DE".clone_into(&mut contacts.default_country);
    contacts.shared.enabled = true;
    contacts.shared.mailboxes = mailboxes
        .iter()
        .map(|(mailbox, phonebook)| MailboxTarget {
            mailbox: (*mailbox).to_owned(),
            phonebook: (*phonebook).to_owned(),
        })
        .collect();
}

/// Two people with extensions, and a shared mailbox whose two contacts are in step.
pub async fn scene() -> Stage {
    let people = [
        person("Ada Example"),
        person("Bo Example"),
        shared_account("Sales"),
    ];
    let stage = Stage::with(&people, Vec::new()).await;
    let sales = stage.id("Sales");
    stage
        .graph
        .set_mailbox_state(TENANT, sales, MailboxState::Shared)
        .unwrap();
    for (name, number) in [("Rui Alves", "030 1234561"), ("Mia Berg", "030 1234562")] {
        stage
            .graph
            .create_contact(TENANT, sales, (None, &card(name, number)))
            .unwrap();
    }
    stage
        .settings(|settings| choose(settings, &[(SALES, "Sales")]))
        .await;
    stage
}

/// Names of contacts by phonebook, without those that the factory put there.
pub fn phonebooks(stage: &Stage) -> BTreeMap<String, BTreeSet<String>> {
    let contacts: BTreeMap<u32, String> = stage
        .pbx
        .contacts()
        .into_iter()
        .map(|(id, contact)| {
            (
                id,
                format!("{} {}", contact.first_name, contact.last_name)
                    .trim()
                    .to_owned(),
            )
        })
        .collect();
    let named = |ids: &BTreeSet<u32>| ids.iter().filter_map(|id| contacts.get(id).cloned()).collect();
    stage
        .pbx
        .phonebooks()
        .into_iter()
        .filter(|(_, book)| !book.everyone)
        .map(|(_, book)| (book.name.clone(), named(&book.contacts)))
        .collect()
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn counts(run: &SyncRun, kind: ObjectKind) -> Counts {
    run.counts_by_object.get(&kind).copied().unwrap_or_default()
}

async fn skips(stage: &Stage, run: &SyncRun) -> Vec<(String, Reason, String)> {
    let store = &stage.engine.store;
    let lines = store
        .skips(stage.connection, run.skips.as_deref().unwrap_or_default())
        .await
        .unwrap();
    lines
        .into_iter()
        .filter(|line| matches!(line.object, ObjectKind::Contact | ObjectKind::Phonebook))
        .map(|line| (line.name, line.reason, line.reason_text))
        .collect()
}

fn behave(stage: &Stage, change: impl FnOnce(&mut Behaviour)) {
    let mut behaviour = stage.graph.behaviour();
    change(&mut behaviour);
    stage.graph.set_behaviour(behaviour);
}

// spec: 97, 98, 103, 111, 112, 114, 116, 119
#[tokio::test]
async fn a_shared_mailbox_becomes_a_phonebook() {
    let stage = scene().await;
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Succeeded, "{run:?}");
    assert_eq!(
        phonebooks(&stage),
        [("Sales".to_owned(), names(&["Rui Alves", "Mia Berg"]))].into()
    );
    assert_eq!(
        (
            counts(&run, ObjectKind::Contact).create,
            counts(&run, ObjectKind::Phonebook).create
        ),
        (2, 1)
    );
    let (_, rui) = stage
        .pbx
        .contacts()
        .into_iter()
        .find(|(_, contact)| contact.first_name == "Rui")
        .unwrap();
    assert_eq!(rui.company, "Fabrikam");
    assert_eq!(rui.email, "rui@fabrikam.example");
    assert_eq!(
        rui.numbers.get("business").map(String::as_str),
        Some("+49301234561")
    );
    assert!(rui.remark.starts_with("[Outlook "), "the marker: {}", rui.remark);
    let work = stage
        .engine
        .store
        .work_state(stage.connection)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(work.counts.contacts, 2);
    let records = stage.records(run.id).await;
    let made = records
        .iter()
        .filter(|record| record.object == ObjectKind::Contact && record.kind == OperationKind::Create);
    assert!(
        made.clone()
            .all(|record| record.outcome == OutcomeKind::Applied && record.target_id.is_some())
    );
    assert_eq!(made.count(), 2);
}

// spec: 115
#[tokio::test]
async fn hand_made_changes_are_put_back_and_foreign_contacts_stay_as_they_are() {
    let stage = scene().await;
    let body =
        json!({ "first_name": "Foreign", "number_list": [{ "num_type": "other_number", "number": "7" }] });
    stage
        .pbx
        .portal("company_contact/create", body.as_object().unwrap().clone())
        .unwrap();
    let body = json!({ "name": "Suppliers", "member_select": "sel_specific", "add_contacts_id_list": [1] });
    stage
        .pbx
        .portal("phonebook/create", body.as_object().unwrap().clone())
        .unwrap();
    let before = (
        stage.pbx.contacts()[0].clone(),
        stage.pbx.phonebooks().last().unwrap().clone(),
    );
    stage.sync(RunMode::Full).await;
    let ours: Vec<u32> = stage
        .pbx
        .contacts()
        .into_iter()
        .map(|(id, _)| id)
        .filter(|id| *id != 1)
        .collect();
    let edit = json!({ "id": ours[0], "company": "By hand", "phonebook_id_list": [] });
    stage
        .pbx
        .portal("company_contact/update", edit.as_object().unwrap().clone())
        .unwrap();
    let edit = json!({ "id": ours[1], "phonebook_id_list": [] });
    stage
        .pbx
        .portal("company_contact/update", edit.as_object().unwrap().clone())
        .unwrap();
    let gone = json!({ "id": ours[1] });
    stage
        .pbx
        .portal("company_contact/delete", gone.as_object().unwrap().clone())
        .unwrap();
    let run = stage.sync(RunMode::Full).await;
    let contacts = counts(&run, ObjectKind::Contact);
    assert_eq!((contacts.update, contacts.create), (1, 1), "{run:?}");
    assert!(
        stage
            .pbx
            .contacts()
            .iter()
            .filter(|(id, _)| *id != 1)
            .all(|(_, contact)| contact.company == "Fabrikam")
    );
    let reasons: BTreeSet<Reason> = stage
        .records(run.id)
        .await
        .iter()
        .map(|record| record.reason)
        .collect();
    assert!(
        reasons.contains(&Reason::Drift) && reasons.contains(&Reason::DeletedOnPbx),
        "{reasons:?}"
    );
    assert_eq!(phonebooks(&stage)["Sales"], names(&["Rui Alves", "Mia Berg"]));
    let after = (
        stage.pbx.contacts()[0].clone(),
        stage
            .pbx
            .phonebooks()
            .iter()
            .find(|(_, book)| book.name == "Suppliers")
            .unwrap()
            .clone(),
    );
    assert_eq!(
        format!("{before:?}"),
        format!("{after:?}"),
        "what is not ours is not touched"
    );
    assert_eq!(stage.sync(RunMode::Full).await.progress.total, 0);
}

// spec: 120, 121, 122, 123
#[tokio::test]
async fn an_incomplete_contact_is_named_and_synced_once_it_is_complete() {
    let stage = scene().await;
    let sales = stage.id("Sales");
    let numberless = stage
        .graph
        .create_contact(TENANT, sales, (None, &json!({ "givenName": "Nora" })))
        .unwrap();
    stage
        .graph
        .create_contact(TENANT, sales, (None, &json!({ "mobilePhone": "0151 55500000" })))
        .unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(counts(&run, ObjectKind::Contact).create, 2);
    let left = skips(&stage, &run).await;
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(
        left.iter()
            .any(|(_, _, text)| text.contains("enter a first or last name")),
        "{left:?}"
    );
    assert!(left.iter().any(|(name, reason, text)| {
        name == "Nora"
            && *reason == Reason::IncompleteContact
            && text.contains("mobile, home or business number")
    }));
    let complete = json!({ "homePhones": ["030 99"] });
    stage
        .graph
        .update_contact(TENANT, sales, (&numberless, &complete))
        .unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(counts(&run, ObjectKind::Contact).create, 1);
    assert!(phonebooks(&stage)["Sales"].contains("Nora"));
}

// spec: 101, 104, 105, 109, 110
#[tokio::test]
async fn synced_people_of_the_chosen_groups_get_phonebooks_of_their_own() {
    let stage = scene().await;
    for name in ["Ada Example", "Bo Example"] {
        let owner = stage.id(name);
        stage
            .graph
            .create_contact(TENANT, owner, (None, &card("Aunt May", "030 1")))
            .unwrap();
    }
    let group =
        json!({ "displayName": "Callers", "securityEnabled": true, "mailEnabled": false, "groupTypes": [] });
    let group = stage.graph.create_group(TENANT, &group).unwrap();
    stage
        .graph
        .add_member(TENANT, group, stage.id("Ada Example"))
        .unwrap();
    stage.graph.add_member(TENANT, group, stage.id("Sales")).unwrap();
    stage
        .settings(|settings| {
            settings.contacts.personal.enabled = true;
            settings.contacts.personal.scope.kind = ScopeKind::Groups;
            settings.contacts.personal.scope.group_ids = [group.into()].into();
            // The mailbox account has no extension.
            settings.users.scope.only_enabled = true;
        })
        .await;
    // The factory's phonebook of everything would show them to many.
    let run = stage.sync(RunMode::Full).await;
    let left = skips(&stage, &run).await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].1, Reason::VisibilityNotAcknowledged);
    assert_eq!(phonebooks(&stage).len(), 1, "the shared half goes on");
    stage
        .settings(|settings| settings.contacts.personal.acknowledged_visibility = true)
        .await;
    stage.sync(RunMode::Full).await;
    assert_eq!(phonebooks(&stage)["Ada Example - Outlook"], names(&["Aunt May"]));
    assert_eq!(
        phonebooks(&stage).len(),
        2,
        "Bo is not in the group, and the mailbox account has no extension"
    );
    // Who leaves the range leaves with the phonebook.
    stage
        .graph
        .remove_member(TENANT, group, stage.id("Ada Example"))
        .unwrap();
    stage.sync(RunMode::Full).await;
    assert_eq!(phonebooks(&stage).len(), 1);
    assert_eq!(stage.pbx.contacts().len(), 2);
}

// spec: 102
#[tokio::test]
async fn each_half_pauses_by_itself_and_keeps_what_it_has() {
    let stage = scene().await;
    stage
        .graph
        .create_contact(
            TENANT,
            stage.id("Ada Example"),
            (None, &card("Aunt May", "030 1")),
        )
        .unwrap();
    stage
        .settings(|settings| {
            settings.contacts.personal.enabled = true;
            settings.contacts.personal.acknowledged_visibility = true;
        })
        .await;
    stage.sync(RunMode::Full).await;
    let both = phonebooks(&stage);
    assert_eq!(both.len(), 2, "{both:?}");
    stage
        .settings(|settings| settings.contacts.shared.enabled = false)
        .await;
    let run = stage.sync(RunMode::Full).await;
    assert_eq!((run.progress.total, phonebooks(&stage)), (0, both.clone()));
    stage.settings(|settings| settings.contacts.enabled = false).await;
    stage.sync(RunMode::Full).await;
    assert_eq!(phonebooks(&stage), both);
}

// spec: 108
#[tokio::test]
async fn a_mailbox_that_fails_hinders_no_other_and_keeps_its_contacts() {
    let stage = scene().await;
    stage
        .graph
        .create_user(TENANT, &shared_account("Support"))
        .unwrap();
    let support = stage.id("Support");
    stage
        .graph
        .create_contact(TENANT, support, (None, &card("Old Friend", "030 5")))
        .unwrap();
    let both = [(SALES, "Sales"), ("support@contoso.example", "Support")];
    stage.settings(|settings| choose(settings, &both)).await;
    stage.sync(RunMode::Full).await;
    let kept = phonebooks(&stage)["Support"].clone();
    let sales = stage.id("Sales");
    for (turn, state) in [
        MailboxState::None,
        MailboxState::OnPremises,
        MailboxState::SoftDeleted,
        MailboxState::Excluded,
    ]
    .into_iter()
    .enumerate()
    {
        stage.graph.set_mailbox_state(TENANT, support, state).unwrap();
        let new = format!("New{turn} Friend");
        stage
            .graph
            .create_contact(TENANT, sales, (None, &card(&new, &format!("030 77{turn}"))))
            .unwrap();
        let run = stage.sync(RunMode::Full).await;
        assert_eq!(run.state, RunState::Succeeded, "{state:?}: {run:?}");
        assert!(phonebooks(&stage)["Sales"].contains(&new), "{state:?}");
        assert_eq!(phonebooks(&stage)["Support"], kept, "{state:?}");
        let left = skips(&stage, &run).await;
        assert_eq!(
            (left.len(), left[0].1),
            (1, Reason::MailboxUnreadable),
            "{state:?}: {left:?}"
        );
    }
    stage
        .graph
        .set_mailbox_state(TENANT, support, MailboxState::Shared)
        .unwrap();
    // Throttled for longer than we wait.
    let path = format!("/v1.0/users/{support}/contact*");
    let throttle = FaultKind::Throttle {
        retry_after: Some("90".into()),
    };
    stage.graph.add_fault(Fault::new(&path, throttle));
    stage
        .graph
        .create_contact(TENANT, sales, (None, &card("Late Friend", "030 88")))
        .unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Succeeded, "{run:?}");
    assert!(phonebooks(&stage)["Sales"].contains("Late Friend"));
    assert_eq!(phonebooks(&stage)["Support"], kept);
}

#[tokio::test]
async fn a_missing_permission_is_named_and_people_are_synced_all_the_same() {
    let stage = scene().await;
    stage.graph.revoke_role(TENANT, APP, "Contacts.Read").unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert!(
        run.problems[&SyncPart::Contacts].contains("Contacts.Read"),
        "{:?}",
        run.problems
    );
    assert!(!stage.extensions().is_empty());
    assert!(phonebooks(&stage).is_empty());
    let ConnectionStatus::NeedsAttention { reason, .. } = stage.status().await else {
        unreachable!("an admin must consent");
    };
    assert!(reason.contains("Contacts.Read"), "{reason}");
}

#[tokio::test]
async fn an_app_that_exchange_lets_into_the_chosen_mailboxes_alone_lacks_nothing() {
    let stage = scene().await;
    for name in ["Ada Example", "Bo Example"] {
        stage
            .graph
            .set_mailbox_state(TENANT, stage.id(name), MailboxState::Excluded)
            .unwrap();
    }
    let store = &stage.engine.store;
    let mut connection = store.connection(stage.connection).await.unwrap().unwrap();
    connection.value.status = ConnectionStatus::NeedsAttention {
        reason: "the app registration lacks Contacts.Read".to_owned(),
        cause: AttentionCause::Entra,
    };
    store.save_connection(&connection).await.unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Succeeded, "{:?}", run.problems);
    assert_eq!(phonebooks(&stage)["Sales"].len(), 2);
    assert_eq!(stage.status().await, ConnectionStatus::Connected);
}

#[tokio::test]
async fn all_shared_mailboxes_are_found_by_what_they_are_for() {
    let stage = scene().await;
    let support = account(&stage, "Support", MailboxState::Shared);
    account(&stage, "Aurora", MailboxState::Room);
    stage
        .graph
        .create_contact(TENANT, support, (None, &card("Old Friend", "030 5")))
        .unwrap();
    stage
        .graph
        .create_contact(TENANT, stage.id("Aurora"), (None, &card("Caterer", "030 6")))
        .unwrap();
    stage
        .settings(|settings| {
            choose(settings, &[(SALES, "Verkauf")]);
            settings.contacts.shared.scope = MailboxScope::All;
        })
        .await;
    stage.sync(RunMode::Full).await;
    let found: Vec<String> = phonebooks(&stage).into_keys().collect();
    assert_eq!(found, ["Support", "Verkauf"]);
    // Who was asked is not asked again for a week.
    stage.graph.clear_requests();
    stage.sync(RunMode::Full).await;
    let asked = |stage: &Stage| {
        stage
            .graph
            .requests()
            .iter()
            .filter(|call| call.path.contains("userPurpose"))
            .count()
    };
    assert_eq!(asked(&stage), 0);
    stage.clock.advance(Duration::from_hours(8 * 24));
    stage.sync(RunMode::Full).await;
    assert_eq!(asked(&stage), 5);
}

#[tokio::test]
async fn a_shared_mailbox_that_a_policy_hides_keeps_its_phonebook_and_contacts() {
    let stage = scene().await;
    account(&stage, "Support", MailboxState::Shared);
    stage
        .settings(|settings| settings.contacts.shared.scope = MailboxScope::All)
        .await;
    stage.sync(RunMode::Full).await;
    let (books, contacts) = (phonebooks(&stage), stage.pbx.contacts().len());
    assert!(!books.is_empty() && contacts > 0);
    stage
        .graph
        .set_mailbox_state(TENANT, stage.id("Sales"), MailboxState::Excluded)
        .unwrap();
    stage.clock.advance(Duration::from_hours(8 * 24));
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(phonebooks(&stage), books);
    assert_eq!(stage.pbx.contacts().len(), contacts);
    let left = skips(&stage, &run).await;
    assert!(
        left.iter().any(|line| line.2.contains("may not be read")),
        "{left:?}"
    );
}

#[tokio::test]
async fn mailboxes_typed_by_hand_need_no_discovery() {
    let stage = scene().await;
    stage
        .graph
        .revoke_role(TENANT, APP, "MailboxSettings.Read")
        .unwrap();
    stage.sync(RunMode::Full).await;
    assert_eq!(phonebooks(&stage).len(), 1);
    stage
        .settings(|settings| settings.contacts.shared.scope = MailboxScope::All)
        .await;
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(
        phonebooks(&stage).len(),
        1,
        "a list that is not known takes nothing away"
    );
    let left = skips(&stage, &run).await;
    assert!(left[0].2.contains("MailboxSettings.Read"), "{left:?}");
}

// spec: 100
#[tokio::test]
async fn older_firmware_says_what_contacts_need() {
    let stage = scene().await;
    stage
        .pbx
        .change_settings(|settings| settings.firmware = "83.8.0.25".to_owned());
    let run = stage.sync(RunMode::Full).await;
    let problem = &run.problems[&SyncPart::Contacts];
    assert!(
        problem.contains("83.10.0.30") && problem.contains("83.8.0.25"),
        "{problem}"
    );
    assert!(phonebooks(&stage).is_empty());
    assert!(!stage.extensions().is_empty(), "people are synced");
}

#[tokio::test]
async fn a_look_at_the_plan_changes_nothing() {
    let stage = scene().await;
    stage.settings(|settings| settings.contacts.enabled = false).await;
    let run = stage.dry_run().await;
    assert_eq!(counts(&run, ObjectKind::Contact).create, 2);
    assert!(phonebooks(&stage).is_empty() && stage.pbx.contacts().is_empty());
    assert!(stage.pbx.writes().is_empty(), "{:?}", stage.pbx.writes());
}

#[tokio::test]
async fn removals_beyond_the_guard_wait_for_a_person() {
    let stage = scene().await;
    let sales = stage.id("Sales");
    let ids: Vec<String> = (0..20)
        .map(|n| {
            let contact = card(&format!("Friend{n:02} X"), &format!("030 55{n:02}"));
            stage
                .graph
                .create_contact(TENANT, sales, (None, &contact))
                .unwrap()
        })
        .collect();
    stage.sync(RunMode::Full).await;
    for id in ids.iter().take(15) {
        stage.graph.delete_contact(TENANT, sales, id).unwrap();
    }
    stage
        .graph
        .create_contact(TENANT, sales, (None, &card("New Friend", "030 99")))
        .unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Held);
    assert!(
        run.held.as_ref().unwrap().because.contains("15 of 22 contacts"),
        "{:?}",
        run.held
    );
    assert_eq!(stage.pbx.contacts().len(), 23, "creates go on");
    shared::sync_run::approval::approve(&stage.engine, stage.connection, run.id)
        .await
        .unwrap();
    stage.drive().await.unwrap();
    assert_eq!(stage.pbx.contacts().len(), 8);
    assert_eq!(stage.run(run.id).await.state, RunState::Succeeded);
}

/// What a run asks when nothing changed, however many contacts there are.
#[tokio::test]
async fn a_run_without_changes_reads_changes_alone_and_writes_nothing() {
    let stage = scene().await;
    let sales = stage.id("Sales");
    for n in 0..1_200 {
        let contact = card(&format!("Friend{n:04} X"), &format!("030 55{n:04}"));
        stage
            .graph
            .create_contact(TENANT, sales, (None, &contact))
            .unwrap();
    }
    stage.sync(RunMode::Full).await;
    assert_eq!(stage.pbx.contacts().len(), 1_202);
    stage.graph.clear_requests();
    stage.pbx.reset_counters();
    stage.scissors.heal();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(counts(&run, ObjectKind::Contact).unchanged, 1_202);
    let mailbox = stage
        .graph
        .requests()
        .iter()
        .filter(|call| call.path.contains(&sales.to_string()))
        .count();
    assert_eq!(
        mailbox, 2,
        "changes of the folders, and of the contacts in the one there is"
    );
    let requests = stage.pbx.counters().requests;
    assert_eq!(requests.get("company_contact/list"), Some(&1));
    assert_eq!(requests.get("phonebook/list"), Some(&1));
    assert!(stage.pbx.writes().is_empty());
    let effects = stage.scissors.effects();
    assert!(
        effects.len() <= 8,
        "the run, its lease and its end alone: {effects:?}"
    );
}

#[tokio::test]
async fn folders_come_and_go_and_contacts_move_between_them() {
    let stage = scene().await;
    let sales = stage.id("Sales");
    let folder = stage
        .graph
        .add_contact_folder(TENANT, sales, ("Partners", None))
        .unwrap();
    let nested = stage
        .graph
        .add_contact_folder(TENANT, sales, ("Old", Some(&folder)))
        .unwrap();
    let deep = stage
        .graph
        .create_contact(TENANT, sales, (Some(&nested), &card("Deep Friend", "030 7")))
        .unwrap();
    stage.sync(RunMode::Full).await;
    assert_eq!(phonebooks(&stage)["Sales"].len(), 3);
    // A move keeps the contact: its id is an immutable one.
    stage.graph.move_contact(TENANT, sales, (&deep, None)).unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.progress.total, 0, "{run:?}");
    let later = stage
        .graph
        .add_contact_folder(TENANT, sales, ("Later", None))
        .unwrap();
    stage
        .graph
        .create_contact(TENANT, sales, (Some(&later), &card("Late Friend", "030 8")))
        .unwrap();
    stage.sync(RunMode::Full).await;
    assert!(phonebooks(&stage)["Sales"].contains("Late Friend"));
    stage.graph.delete_contact_folder(TENANT, sales, &later).unwrap();
    stage.sync(RunMode::Full).await;
    assert!(!phonebooks(&stage)["Sales"].contains("Late Friend"));
    // A change state that Graph lost is read anew, and nothing is doubled.
    stage.graph.expire_delta_tokens(TENANT).unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.progress.total, 0, "{run:?}");
}

#[tokio::test]
async fn no_mailbox_is_asked_too_much_at_once() {
    let stage = scene().await;
    behave(&stage, |behaviour| behaviour.latency_ms = 2);
    for n in 0..6 {
        stage
            .graph
            .create_user(TENANT, &shared_account(&format!("Box{n}")))
            .unwrap();
        let owner = stage.id(&format!("Box{n}"));
        stage
            .graph
            .create_contact(TENANT, owner, (None, &card("Old Friend", "030 5")))
            .unwrap();
    }
    let names: Vec<(String, String)> = (0..6)
        .map(|n| (format!("box{n}@contoso.example"), format!("Box {n}")))
        .collect();
    let targets: Vec<(&str, &str)> = names
        .iter()
        .map(|(address, book)| (address.as_str(), book.as_str()))
        .collect();
    stage.settings(|settings| choose(settings, &targets)).await;
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Succeeded);
    assert!((1..=4).contains(&stage.graph.most_at_one_mailbox()));
    assert_eq!(phonebooks(&stage).len(), 6);
}

/// Ada signed in to connect, and contacts are read in her name.
async fn in_adas_name(stage: &Stage) {
    let uri = format!("{ORIGIN}/connect/callback");
    stage.graph.add_redirect_uri(TENANT, APP, &uri).unwrap();
    let ada = stage.id("Ada Example");
    stage.graph.set_administrator(TENANT, ada, true).unwrap();
    stage
        .graph
        .consent_delegated(TENANT, APP, &["Contacts.Read", "Contacts.Read.Shared"])
        .unwrap();
    stage
        .settings(|settings| settings.contacts.access = ContactAccess::AuthorisedAccount)
        .await;
    let mut browser = Browser::new(&stage.functions());
    crate::connect::sign_in(stage, &mut browser, ada)
        .await
        .says(200, "Connected");
    let store = &stage.engine.store;
    let connected = store.connection(stage.connection).await.unwrap().unwrap().value;
    let account: Option<AuthorisedAccount> = connected.authorised_account;
    assert_eq!(account.map(|account| account.user), Some(EntraUserId::from(ada)));
}

// spec: 106, 107, 108, 113
#[tokio::test]
async fn the_authorised_account_reads_what_was_shared_with_it() {
    let stage = scene().await;
    let (ada, bo, sales) = (stage.id("Ada Example"), stage.id("Bo Example"), stage.id("Sales"));
    stage
        .graph
        .create_contact(TENANT, bo, (None, &card("Aunt May", "030 1")))
        .unwrap();
    in_adas_name(&stage).await;
    stage
        .settings(|settings| {
            settings.contacts.personal.enabled = true;
            settings.contacts.personal.acknowledged_visibility = true;
        })
        .await;
    let run = stage.sync(RunMode::Full).await;
    assert!(
        phonebooks(&stage).is_empty(),
        "nobody has shared anything: {:?}",
        phonebooks(&stage)
    );
    let unread: BTreeSet<String> = skips(&stage, &run)
        .await
        .into_iter()
        .map(|(name, _, _)| name)
        .collect();
    assert_eq!(
        unread,
        names(&["Bo Example", "Sales"]),
        "Ada's own folder is hers"
    );
    stage.graph.share_contacts(TENANT, bo, (None, ada, true)).unwrap();
    stage
        .graph
        .set_mailbox_member(TENANT, sales, (ada, true))
        .unwrap();
    stage.sync(RunMode::Full).await;
    assert_eq!(phonebooks(&stage)["Bo Example - Outlook"], names(&["Aunt May"]));
    assert_eq!(phonebooks(&stage)["Sales"].len(), 2);
    // No longer shared: what was synced stays, and the others go on.
    stage
        .graph
        .share_contacts(TENANT, bo, (None, ada, false))
        .unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Succeeded, "{run:?}");
    assert_eq!(phonebooks(&stage)["Bo Example - Outlook"], names(&["Aunt May"]));
}

#[tokio::test]
async fn a_revoked_sign_in_is_told_and_people_are_synced_all_the_same() {
    let stage = scene().await;
    let ada: Uuid = stage.id("Ada Example");
    in_adas_name(&stage).await;
    stage
        .graph
        .set_mailbox_member(TENANT, stage.id("Sales"), (ada, true))
        .unwrap();
    stage.sync(RunMode::Full).await;
    let kept = phonebooks(&stage);
    assert_eq!(kept.len(), 1);
    stage.graph.revoke_sign_ins(TENANT, ada).unwrap();
    stage.edit("Bo Example", &json!({ "jobTitle": "Manager" }));
    stage.clock.advance(Duration::from_hours(3));
    let run = stage.sync(RunMode::Full).await;
    assert!(run.problems.contains_key(&SyncPart::Contacts), "{run:?}");
    assert!(
        stage
            .extensions()
            .values()
            .any(|fields| fields.title == "Manager"),
        "people are synced"
    );
    assert_eq!(phonebooks(&stage), kept);
    assert!(matches!(
        stage.status().await,
        ConnectionStatus::NeedsAttention { .. }
    ));
}
