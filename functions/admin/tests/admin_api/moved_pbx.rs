//! An address that leads to another PBX: what is bound on the present one would become somebody else's there.

use std::time::Duration;

use axum::http::Method;
use jiff::Timestamp;
use serde_json::json;
use shared::domain::binding::{Binding, Stage};
use shared::domain::contact::{ContactId, ContactKey};
use shared::domain::contact_binding::{ContactBinding, ContactStage, PhonebookBinding, PhonebookStage};
use shared::domain::extension::{FieldsDigest, OwnedFields};
use shared::domain::group_binding::{GroupBinding, GroupStage};
use shared::domain::mailbox::{MailboxId, MailboxRole};
use shared::domain::number::ExtensionNumber;
use shared::domain::settings::GroupTarget;
use shared::store::Lease;

use crate::harness::{Answer, Call, World, connection, path};

const SOMEBODY: &str = "3b1f6c0e-6f0b-4a55-9a3e-000000000007";

/// What may stand on the PBX, none of it confirmed yet.
#[derive(Debug, Clone, Copy)]
enum Thing {
    Extension,
    Group,
    Contact,
    Phonebook,
}

async fn lease(world: &World, at: Timestamp) -> Lease {
    let lease = world
        .store
        .acquire_lease(connection().id, "test", at, Duration::from_mins(1));
    lease.await.unwrap().unwrap()
}

async fn intend(world: &World, thing: Thing) {
    let store = &world.store;
    let at = "2026-03-01T10:00:00Z".parse().unwrap();
    let lease = lease(world, at).await;
    let mailbox = MailboxId::parse(SOMEBODY).unwrap();
    match thing {
        Thing::Extension => {
            let binding = Binding {
                user: SOMEBODY.parse().unwrap(),
                number: ExtensionNumber::parse("2001").unwrap(),
                name: "Person".to_owned(),
                stage: Stage::Intended {
                    at,
                    wanted: FieldsDigest::of(&OwnedFields::default()),
                },
            };
            store.reserve(&lease, &binding).await.unwrap();
        }
        Thing::Group => {
            let binding = GroupBinding {
                group: SOMEBODY.parse().unwrap(),
                target: GroupTarget::Organization,
                name: "Sales".to_owned(),
                stage: GroupStage::Intended { at },
            };
            store.put_group_binding(&lease, &binding, None).await.unwrap();
        }
        Thing::Contact => {
            let contact = ContactId("AAkALg1=".to_owned());
            let binding = ContactBinding {
                key: ContactKey::of(connection().id, mailbox, &contact),
                mailbox,
                role: MailboxRole::Shared,
                contact,
                name: "Rui Alves".to_owned(),
                stage: ContactStage::Intended { at },
            };
            store.put_contact_binding(&lease, &binding, None).await.unwrap();
        }
        Thing::Phonebook => {
            let binding = PhonebookBinding {
                mailbox,
                role: MailboxRole::Shared,
                name: "Suppliers".to_owned(),
                stage: PhonebookStage::Intended { at },
            };
            store.put_phonebook_binding(&lease, &binding, None).await.unwrap();
        }
    }
}

async fn move_away(world: &World) -> Answer {
    let body = json!({"pbx": {"base_url": "https://moved.example", "client_secret": "sent-again"}});
    world.call(Call::new(Method::PATCH, path("")).json(&body)).await
}

async fn address(world: &World) -> String {
    let stored = world.store.connection(connection().id).await.unwrap().unwrap();
    stored.value.pbx.base_url
}

#[tokio::test]
async fn a_connection_stays_with_its_pbx_while_anything_there_is_or_may_be_ours() {
    for thing in [Thing::Extension, Thing::Group, Thing::Contact, Thing::Phonebook] {
        let world = World::connected().await;
        intend(&world, thing).await;
        let refused = move_away(&world).await;
        assert_eq!(refused.refused(422, "validation"), ["/pbx/base_url"], "{thing:?}");
        assert!(refused.text.contains("phonebooks"), "{}", refused.text);
        assert_eq!(address(&world).await, "https://pbx.example.com", "{thing:?}");
        // The same PBX may have another address.
        world.sides.script().serial = "SERIAL-1".to_owned();
        move_away(&world).await.ok(200);
        assert_eq!(address(&world).await, "https://moved.example", "{thing:?}");
    }
}

#[tokio::test]
async fn a_connection_with_nothing_on_its_pbx_may_have_another_once_no_run_is_at_work() {
    let world = World::connected().await;
    let now = "2026-03-01T12:00:00Z".parse().unwrap();
    lease(&world, now).await;
    let refused = move_away(&world).await;
    assert_eq!(refused.refused(422, "validation"), ["/pbx/base_url"]);
    assert!(refused.text.contains("a run is at work"), "{}", refused.text);
    world.clock.advance(jiff::SignedDuration::from_mins(2));
    let moved = move_away(&world).await.ok(200);
    assert_eq!(moved["pbx"]["serial_number"], "SERIAL-2");
}
