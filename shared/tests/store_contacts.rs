//! Contacts, phonebooks and what mailboxes held: what is written is read back, and a run that lost its lease writes nothing.

mod store_support;

use std::collections::BTreeMap;

use shared::domain::contact::{Card, CardDigest, ContactId, ContactKey, OutlookContact, PbxContactId};
use shared::domain::contact_binding::{
    BoundContact, ContactBinding, ContactStage, PhonebookBinding, PhonebookStage,
};
use shared::domain::ids::ConnectionId;
use shared::domain::mailbox::{MailboxId, MailboxPurpose, MailboxRole};
use shared::domain::operation_record::OperationKind;
use shared::domain::phonebook::PhonebookId;
use shared::domain::sync_run::RunMode;
use shared::ports::{FolderMemory, MailboxMemory};
use shared::secrets::FileKeySealer;
use shared::store::{KnownPurposes, Store, StoreError};
use store_support::*;
use uuid::Uuid;

fn mailbox(n: u128) -> MailboxId {
    MailboxId::from(Uuid::from_u128(n))
}

fn contact(connection: ConnectionId, n: u32, bound: bool) -> ContactBinding {
    let contact = ContactId(format!("contact-{n}"));
    let stage = if bound {
        ContactStage::Bound(BoundContact {
            id: PbxContactId(i64::from(n)),
            written: CardDigest::of(&Card::default()),
            bound_at: now(),
            written_at: later(1),
        })
    } else {
        ContactStage::Intended { at: now() }
    };
    ContactBinding {
        key: ContactKey::of(connection, mailbox(7), &contact),
        mailbox: mailbox(7),
        role: MailboxRole::Shared,
        contact,
        name: format!("Contact {n}"),
        stage,
    }
}

fn book(bound: bool) -> PhonebookBinding {
    PhonebookBinding {
        mailbox: mailbox(7),
        role: MailboxRole::Personal,
        name: "Ada - Outlook".to_owned(),
        stage: if bound {
            PhonebookStage::Bound {
                id: PhonebookId(4),
                bound_at: now(),
                written_at: later(1),
            }
        } else {
            PhonebookStage::Intended { at: now() }
        },
    }
}

#[tokio::test]
async fn what_is_ours_is_read_back_and_listed() {
    let (table, id) = connected().await;
    let store = &table.store;
    let (_, lease) = stale_and_fresh(store, id).await;
    for n in 1..=3 {
        store
            .put_contact_binding(&lease, &contact(id, n, n > 1), None)
            .await
            .unwrap();
    }
    store
        .put_phonebook_binding(&lease, &book(false), None)
        .await
        .unwrap();
    let line = record(run_of(id, RunMode::Full).id, 1, OperationKind::Create);
    store
        .put_phonebook_binding(&lease, &book(true), Some(&line))
        .await
        .unwrap();
    let own = store.own_contacts(id).await.unwrap();
    assert_eq!(own.contacts.len(), 3);
    assert_eq!(own.contacts[&contact(id, 1, false).key], contact(id, 1, false));
    assert_eq!(own.contacts[&contact(id, 2, true).key], contact(id, 2, true));
    assert_eq!(own.books, BTreeMap::from([(mailbox(7), book(true))]));
    let page = store.contact_bindings_page(id, 2, None).await.unwrap();
    let rest = store
        .contact_bindings_page(id, 2, page.next_cursor.as_deref())
        .await
        .unwrap();
    assert_eq!((page.items.len(), rest.items.len()), (2, 1));
    assert_eq!(
        store.phonebook_bindings_page(id, 10, None).await.unwrap().items,
        [book(true)]
    );
    store
        .forget_contact(&lease, contact(id, 2, true).key, &line)
        .await
        .unwrap();
    store
        .cancel_contact(&lease, contact(id, 1, false).key)
        .await
        .unwrap();
    store.forget_phonebook(&lease, mailbox(7), &line).await.unwrap();
    let own = store.own_contacts(id).await.unwrap();
    assert_eq!((own.contacts.len(), own.books.len()), (1, 0));
    assert_eq!(own.contacts.into_values().next(), Some(contact(id, 3, true)));
}

#[tokio::test]
async fn a_stale_run_writes_no_contact() {
    let (table, id) = connected().await;
    let store = &table.store;
    let (stale, _) = stale_and_fresh(store, id).await;
    let line = record(run_of(id, RunMode::Full).id, 1, OperationKind::Create);
    let key = contact(id, 1, true).key;
    let answers = [
        store
            .put_contact_binding(&stale, &contact(id, 1, true), Some(&line))
            .await,
        store.forget_contact(&stale, key, &line).await,
        store.cancel_contact(&stale, key).await,
        store.put_phonebook_binding(&stale, &book(true), None).await,
        store.forget_phonebook(&stale, mailbox(7), &line).await,
        store.cancel_phonebook(&stale, mailbox(7)).await,
    ];
    for answer in answers {
        assert!(matches!(answer, Err(StoreError::Conflict { .. })), "{answer:?}");
    }
    assert!(store.own_contacts(id).await.unwrap().contacts.is_empty());
}

fn memory(contacts: u32) -> MailboxMemory {
    let held = (0..contacts).map(|n| {
        // Text that does not pack well, as real address books are.
        let noise = hex::encode(sha2_of(n));
        let contact = OutlookContact {
            display_name: format!("canary {noise}"),
            mobile_phone: noise,
            ..OutlookContact::default()
        };
        (ContactId(format!("contact-{n:06}")), contact)
    });
    let folder = FolderMemory {
        link: "https://graph.example/delta?$deltatoken=canary".to_owned(),
        contacts: held.collect(),
    };
    MailboxMemory {
        folders: [("folder".to_owned(), folder)].into(),
        folder_link: None,
        default_folder: Some("folder".to_owned()),
        read_at: now(),
        stored_at: now(),
    }
}

fn sha2_of(n: u32) -> Vec<u8> {
    use sha2::Digest as _;
    sha2::Sha256::digest(n.to_be_bytes()).to_vec()
}

#[tokio::test]
async fn what_a_mailbox_held_is_remembered_whole_and_for_its_access_alone() {
    let (table, id) = connected().await;
    let store = &table.store;
    for contacts in [3, 12_000, 5] {
        store
            .put_mailbox_memory(id, mailbox(7), "application", &memory(contacts))
            .await
            .unwrap();
        let found = store
            .mailbox_memory(id, mailbox(7), "application")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.contacts(), memory(contacts).contacts());
        assert_eq!(found.default_folder, memory(contacts).default_folder);
    }
    assert!(
        store
            .mailbox_memory(id, mailbox(7), "account x")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .mailbox_memory(id, mailbox(8), "application")
            .await
            .unwrap()
            .is_none()
    );
    let sealer = std::sync::Arc::new(FileKeySealer::from_bytes([8; 32]));
    let other = Store::new(table.client.clone(), table.name.clone(), sealer);
    let closed = other.mailbox_memory(id, mailbox(7), "application").await;
    assert!(matches!(closed, Err(StoreError::Sealing { .. })), "{closed:?}");
}

#[tokio::test]
async fn purposes_are_remembered() {
    let (table, id) = connected().await;
    let known = KnownPurposes {
        purposes: [
            (mailbox(1), MailboxPurpose::Shared),
            (mailbox(2), MailboxPurpose::None),
        ]
        .into(),
        at: now(),
    };
    assert_eq!(table.store.mailbox_purposes(id).await.unwrap(), None);
    table.store.put_mailbox_purposes(id, &known).await.unwrap();
    assert_eq!(table.store.mailbox_purposes(id).await.unwrap(), Some(known));
}
