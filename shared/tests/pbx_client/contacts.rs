//! Contacts and phonebooks: written one way, read another; lists whole or an error; writes sent once.

use shared::domain::contact::{Card, NumberSlot, PbxContactId};
use shared::domain::phonebook::PhonebookId;
use shared::ports::{ContactBook as _, Deleted, PhoneSystemError as E, PhonebookPatch};
use simulators::pbx::{Fault, FaultKind};

use crate::support::{World, impatient};

fn card(name: &str) -> Card {
    Card {
        first_name: name.to_owned(),
        last_name: "Alves".to_owned(),
        company: "Contoso".to_owned(),
        email: "rui@contoso.example".to_owned(),
        remark: "Buyer".to_owned(),
        numbers: NumberSlot::ALL
            .into_iter()
            .zip("123456789".chars())
            .map(|(slot, digit)| (slot, digit.into()))
            .collect(),
    }
}

async fn with_phonebook() -> (World, PhonebookId) {
    let world = World::new().await;
    let book = world.client().create_phonebook("Sales").await.unwrap();
    world.pbx().reset_counters();
    (world, book)
}

#[tokio::test]
async fn what_is_written_is_what_the_list_says() {
    let (world, book) = with_phonebook().await;
    let client = world.client();
    let id = client.create_contact(&card("Rui"), book).await.unwrap();
    let rows = client.list_contacts().await.unwrap();
    assert_eq!(rows.len(), 1);
    assert!(rows[0].says(&card("Rui")), "{rows:?}");
    assert!(rows[0].phonebooks.contains(&book));
    let fewer = Card {
        numbers: [(NumberSlot::Other, "+49301".to_owned())].into(),
        company: String::new(),
        ..card("Ana")
    };
    client.update_contact(id, &fewer).await.unwrap();
    let rows = client.search_contacts("+49301").await.unwrap();
    assert!(
        rows[0].says(&fewer),
        "empty texts clear, numbers are replaced: {rows:?}"
    );
    assert!(client.search_contacts("nobody at all").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_list_of_many_pages_is_whole() {
    let world = World::with(|config| config.behaviour.contact_page_size_max = 7).await;
    let client = world.client();
    let book = client.create_phonebook("Sales").await.unwrap();
    for n in 0..30 {
        client
            .create_contact(&card(&format!("N{n}")), book)
            .await
            .unwrap();
    }
    world.pbx().reset_counters();
    assert_eq!(client.list_contacts().await.unwrap().len(), 30);
    assert_eq!(world.pbx().requests("company_contact/list"), 5);
}

#[tokio::test]
async fn who_is_in_a_phonebook_is_changed_some_hundreds_a_call() {
    let (world, book) = with_phonebook().await;
    let client = world.client();
    let other = client.create_phonebook("Support").await.unwrap();
    let mut ids = Vec::new();
    for n in 0..510 {
        ids.push(
            client
                .create_contact(&card(&format!("N{n}")), book)
                .await
                .unwrap(),
        );
    }
    world.pbx().reset_counters();
    let add = PhonebookPatch {
        add: ids.clone(),
        ..PhonebookPatch::default()
    };
    client.update_phonebook(other, &add).await.unwrap();
    assert_eq!(world.pbx().requests("phonebook/update"), 2);
    let remove = PhonebookPatch {
        name: Some("Hotline".to_owned()),
        narrow: true,
        add: Vec::new(),
        remove: ids,
    };
    client.update_phonebook(other, &remove).await.unwrap();
    let books = client.list_phonebooks().await.unwrap();
    let hotline = books.iter().find(|row| row.id == other).unwrap();
    assert_eq!(
        (hotline.name.as_str(), hotline.total, hotline.everyone),
        ("Hotline", 0, false)
    );
}

#[tokio::test]
async fn a_contact_that_a_phonebook_holds_is_taken_out_first() {
    let (world, book) = with_phonebook().await;
    let client = world.client();
    let id = client.create_contact(&card("Rui"), book).await.unwrap();
    assert!(matches!(client.delete_contact(id).await, Err(E::Conflict { .. })));
    client.clear_phonebooks_of(id).await.unwrap();
    assert!(client.has_contact(id).await.unwrap());
    assert_eq!(client.delete_contact(id).await.unwrap(), Deleted::Now);
    assert!(!client.has_contact(id).await.unwrap());
    assert_eq!(client.delete_contact(id).await.unwrap(), Deleted::Earlier);
    assert!(matches!(
        client.update_contact(id, &card("Rui")).await,
        Err(E::NotFound)
    ));
}

#[tokio::test]
async fn both_ways_of_saying_that_a_contact_is_gone_are_understood() {
    for code in [60_001, 70_128] {
        let world = World::with(|config| config.behaviour.unknown_contact_errcode = code).await;
        let client = world.client();
        assert_eq!(
            client.delete_contact(PbxContactId(77)).await.unwrap(),
            Deleted::Earlier
        );
        assert!(!client.has_contact(PbxContactId(77)).await.unwrap());
    }
}

#[tokio::test]
async fn names_are_unique_and_deletion_keeps_the_contacts() {
    let (world, book) = with_phonebook().await;
    let client = world.client();
    assert!(matches!(
        client.create_phonebook("Sales").await,
        Err(E::Conflict { .. })
    ));
    client.create_contact(&card("Rui"), book).await.unwrap();
    assert_eq!(client.delete_phonebook(book).await.unwrap(), Deleted::Now);
    assert_eq!(client.delete_phonebook(book).await.unwrap(), Deleted::Earlier);
    assert_eq!(client.list_contacts().await.unwrap().len(), 1);
    let missing = client.create_contact(&card("Ana"), book).await;
    assert!(matches!(missing, Err(E::NotFound)), "{missing:?}");
}

#[tokio::test]
async fn limits_and_lost_answers_are_told_apart() {
    let (world, book) = with_phonebook().await;
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.max_contacts = 1);
    let client = world.client();
    client.create_contact(&card("Rui"), book).await.unwrap();
    assert!(matches!(
        client.create_contact(&card("Ana"), book).await,
        Err(E::CapacityReached)
    ));
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.max_contacts = 10);
    for kind in [FaultKind::DropAfterCommit, FaultKind::Errcode { code: -2 }] {
        world.pbx().reset_counters();
        world.pbx().fault(Fault::once("company_contact/create", kind));
        let client = world.client_with(impatient(world.config()));
        let unknown = client.create_contact(&card("Ana"), book).await;
        assert!(matches!(unknown, Err(E::OutcomeUnknown { .. })), "{unknown:?}");
        assert_eq!(
            world.pbx().requests("company_contact/create"),
            1,
            "a write is sent once"
        );
    }
}
