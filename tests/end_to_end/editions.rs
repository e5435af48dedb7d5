//! What every edition of Entra ID answers is enough for all parts together, and nothing is ever written to it.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::deadline::Deadline;
use shared::domain::settings::OnOff;
use shared::domain::sync_run::RunMode;
use shared::presence_poll::{EVERY, PollEnd, Poller, poll_due};
use simulators::graph::MailboxState;

use crate::contacts::{SALES, card, choose, shared_account};
use crate::follower::Follower;
use crate::office::FIRMWARE;
use crate::stage::{Stage, TENANT, person};

/// Calls whose documentation asks for no licence of Entra ID beyond the free one. Mailboxes and Teams have theirs anyway.
const OF_EVERY_EDITION: [&str; 18] = [
    "GET /v1.0/groups",
    "GET /v1.0/groups/delta",
    "GET /v1.0/groups/{id}/members/microsoft.graph.user",
    "GET /v1.0/groups/{id}/transitiveMembers/microsoft.graph.user",
    "GET /v1.0/users",
    "GET /v1.0/users/delta",
    "GET /v1.0/users/{id}",
    "GET /v1.0/users/{id}/contactFolders",
    "GET /v1.0/users/{id}/contactFolders/delta",
    "GET /v1.0/users/{id}/contactFolders/{id}/contacts/delta",
    "GET /v1.0/users/{id}/contacts",
    "POST /v1.0/$batch",
    "POST /v1.0/communications/getPresencesByUserId",
    "POST /v1.0/subscriptions",
    "PATCH /v1.0/subscriptions/{id}",
    "DELETE /v1.0/subscriptions/{id}",
    "GET /v1.0/subscriptions",
    "GET /v1.0/subscriptions/{id}",
];
/// Properties that only Premium editions tell.
const PREMIUM: &str = "signInActivity";

async fn everything_on() -> Follower {
    let people = [
        person("Ada Example"),
        person("Bo Example"),
        shared_account("Sales"),
    ];
    let stage = Stage::with(&people, Vec::new()).await;
    stage
        .pbx
        .change_settings(|settings| FIRMWARE.clone_into(&mut settings.firmware));
    let sales = stage.id("Sales");
    for (owner, name) in [(sales, "Rui Alves"), (stage.id("Ada Example"), "Mia Berg")] {
        let contact = card(name, "030 1234561");
        stage
            .graph
            .create_contact(TENANT, owner, (None, &contact))
            .unwrap();
    }
    stage
        .graph
        .set_mailbox_state(TENANT, sales, MailboxState::Shared)
        .unwrap();
    let choir = serde_json::json!({ "displayName": "Choir", "groupTypes": [], "securityEnabled": true,
        "mailEnabled": false });
    let choir = stage.graph.create_group(TENANT, &choir).unwrap();
    stage
        .graph
        .add_member(TENANT, choir, stage.id("Bo Example"))
        .unwrap();
    Follower::of(stage, |settings| {
        choose(settings, &[(SALES, "Sales")]);
        settings.contacts.personal.enabled = true;
        settings.contacts.personal.acknowledged_visibility = true;
        settings.groups.enabled = true;
        settings.presence.enabled = true;
        settings.presence.users_default = OnOff::On;
    })
    .await
}

async fn poll(stage: &Stage) {
    let store = &stage.engine.store;
    let now = stage.engine.clock.now();
    store.presence_soon(stage.connection, true, now).await.unwrap();
    let poller = Poller::new(stage.engine.clone(), EVERY);
    let end = poll_due(&poller, stage.connection, &Deadline::when_asked())
        .await
        .unwrap();
    assert!(
        matches!(end, PollEnd::Polled(counts) if counts.written > 0),
        "{end:?}"
    );
}

/// A folder's id is no UUID, so it stands in the count as it is.
fn without_folder(call: &str) -> String {
    let parts = call.split('/');
    let parts = parts.map(|part| if part.starts_with("AQMk") { "{id}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

// spec: 1, 4, 8, 11, 124
#[tokio::test]
async fn all_parts_together_ask_for_what_every_edition_has_and_write_nothing_to_entra() {
    let follower = everything_on().await;
    let stage = &follower.stage;
    poll(stage).await;
    stage.edit("Bo Example", &serde_json::json!({ "jobTitle": "Boss" }));
    follower.hear().await;
    follower.live(Duration::from_mins(10)).await;
    stage.sync(RunMode::Full).await;

    let contacts = stage.pbx.contacts();
    let carried: BTreeSet<&str> = contacts
        .iter()
        .map(|(_, contact)| contact.first_name.as_str())
        .filter(|name| ["Rui", "Mia"].contains(name))
        .collect();
    assert_eq!(
        carried,
        ["Mia", "Rui"].into(),
        "of a person's mailbox, and of a shared one"
    );
    let counts = stage.graph.request_counts();
    let asked: BTreeSet<String> = counts
        .keys()
        .filter(|call| call.contains("/v1.0/"))
        .map(|call| without_folder(call))
        .collect();
    let beyond: Vec<&String> = asked
        .iter()
        .filter(|call| !OF_EVERY_EDITION.contains(&call.as_str()))
        .collect();
    assert!(beyond.is_empty(), "{beyond:?}");
    for part in [
        "/users/delta",
        "/groups",
        "/contacts/delta",
        "getPresencesByUserId",
        "/subscriptions",
    ] {
        assert!(
            asked.iter().any(|call| call.contains(part)),
            "{part} is in none of {asked:?}"
        );
    }
    let told = stage.graph.requests();
    let wanted = told.iter().flat_map(|call| &call.query);
    assert!(wanted.clone().any(|(name, _)| name == "$select"));
    assert!(wanted.into_iter().all(|(_, value)| !value.contains(PREMIUM)));
}
