//! Reads: whole or an error, in as few calls as the PBX allows.

use std::collections::BTreeSet;

use shared::domain::ids::ExtensionId;
use shared::ports::{ExtensionPresences as _, PhoneSystem as _, PhoneSystemError};
use simulators::pbx::{Config, Fault, FaultKind, People, Person, TooMany};

use crate::support::{World, number};

fn large(config: &mut Config) {
    config.extensions = People::Count(12_345);
    config.capacity = 20_000;
    config.number_range = (1_000, 99_999);
}

#[tokio::test]
async fn thousands_of_extensions_are_listed_whatever_the_page_size() {
    let world = World::with(large).await;
    let client = world.client();
    for (page_size, calls) in [(10_000, 2), (1_000, 13)] {
        world
            .pbx()
            .change_settings(|settings| settings.behaviour.page_size_max = page_size);
        world.pbx().reset_counters();
        let rows = client.list_extensions().await.unwrap();
        let ids: BTreeSet<ExtensionId> = rows.iter().map(|row| row.id).collect();
        assert_eq!((rows.len(), ids.len()), (12_345, 12_345), "{page_size}");
        assert_eq!(world.pbx().requests("extension/list"), calls, "{page_size}");
    }
}

#[tokio::test]
async fn a_pbx_without_extensions_has_an_empty_list() {
    let world = World::with(|config| config.extensions = People::Count(0)).await;
    assert!(world.client().list_extensions().await.unwrap().is_empty());
}

#[tokio::test]
async fn rows_and_details_carry_every_owned_field() {
    let person = Person {
        number: "2001".to_owned(),
        first_name: "Ana".to_owned(),
        last_name: "Costa".to_owned(),
        email_addr: "ana@example.com".to_owned(),
        mobile_number: "+351910000000".to_owned(),
        title: "Engineer".to_owned(),
    };
    let world = World::with(|config| config.extensions = People::Listed(vec![person])).await;
    let client = world.client();
    let rows = client.list_extensions().await.unwrap();
    assert_eq!(rows[0].display_name, "Ana Costa");
    assert_eq!(
        (rows[0].number.as_str(), rows[0].email.as_str()),
        ("2001", "ana@example.com")
    );
    let found = client.lookup_extension(&number("2001")).await.unwrap().unwrap();
    assert_eq!(found.id, rows[0].id);
    assert_eq!(
        (found.fields.title.as_str(), found.fields.mobile.as_str()),
        ("Engineer", "+351910000000")
    );
    let details = client.extension_details(&[found.id].into()).await.unwrap();
    assert_eq!(details.get(&found.id), Some(&found));
}

#[tokio::test]
async fn a_number_is_looked_up_exactly() {
    let people = ["1200", "2001", "12001"].map(|number| Person {
        number: number.to_owned(),
        ..Person::default()
    });
    let world = World::with(|config| {
        config.extensions = People::Listed(people.to_vec());
        config.number_range = (1, 99_999);
    })
    .await;
    let client = world.client();
    assert_eq!(
        client
            .lookup_extension(&number("2001"))
            .await
            .unwrap()
            .unwrap()
            .number,
        "2001"
    );
    assert!(client.lookup_extension(&number("200")).await.unwrap().is_none());
    assert!(client.lookup_extension(&number("9")).await.unwrap().is_none());
}

#[tokio::test]
async fn details_come_in_batches_and_leave_out_what_is_gone() {
    let world = World::with(|config| config.extensions = People::Count(450)).await;
    let client = world.client();
    let ids: BTreeSet<ExtensionId> = client
        .list_extensions()
        .await
        .unwrap()
        .iter()
        .map(|row| row.id)
        .collect();
    let found = client.extension_details(&ids).await.unwrap();
    assert_eq!(found.len(), 450);
    assert_eq!(world.pbx().requests("extension/query"), 5);
    assert_eq!(world.pbx().requests("extension/get"), 0, "all came");

    let with_a_stranger: BTreeSet<ExtensionId> = ids
        .iter()
        .copied()
        .take(3)
        .chain([ExtensionId(999_999)])
        .collect();
    let found = client.extension_details(&with_a_stranger).await.unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(world.pbx().requests("extension/get"), 1, "the stranger alone");
    assert!(
        client
            .extension_details(&BTreeSet::new())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_refused_batch_is_read_one_by_one() {
    let world = World::new().await;
    let client = world.client();
    let mut ids: BTreeSet<ExtensionId> = client
        .list_extensions()
        .await
        .unwrap()
        .iter()
        .map(|row| row.id)
        .collect();
    ids.insert(ExtensionId(999_999));
    for code in [60_001, 1] {
        world
            .pbx()
            .fault(Fault::once("extension/query", FaultKind::Errcode { code }));
        assert_eq!(client.extension_details(&ids).await.unwrap().len(), 5);
    }
}

fn cut(config: &mut Config, most: usize) {
    config.behaviour.max_query_ids = Some(most);
    config.behaviour.too_many_query_ids = TooMany::Cut;
}

#[tokio::test]
async fn whoever_a_batch_that_is_cut_short_leaves_out_is_asked_for_singly() {
    let world = World::with(|config| {
        config.extensions = People::Count(150);
        cut(config, 60);
    })
    .await;
    let client = world.client();
    let ids: BTreeSet<ExtensionId> = (1..=151).map(ExtensionId).collect();
    let found = client.extension_details(&ids).await.unwrap();
    assert_eq!(found.len(), 150, "only the one that does not exist is missing");
    assert_eq!(world.pbx().requests("extension/query"), 2);
    assert_eq!(world.pbx().requests("extension/get"), 40 + 1);
    let shown = client.shown_presences(&ids).await.unwrap();
    assert!(shown.keys().eq(found.keys()));
}

#[tokio::test]
async fn one_that_cannot_be_asked_for_is_an_error_and_not_gone() {
    let world = World::with(|config| cut(config, 3)).await;
    let client = world.client();
    let ids: BTreeSet<ExtensionId> = (1..=5).map(ExtensionId).collect();
    for code in [-1, 10_001, 10_005, 40_002, 70_082] {
        world
            .pbx()
            .fault(Fault::forever("extension/get", FaultKind::Errcode { code }));
        client.extension_details(&ids).await.unwrap_err();
        world.pbx().clear_faults();
    }
    assert_eq!(client.extension_details(&ids).await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_read_that_breaks_off_is_tried_again_and_then_an_error() {
    let world = World::with(|config| config.extensions = People::Count(400)).await;
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.page_size_max = 99);
    let client = world.client();
    world.pbx().fault(
        Fault::once("extension/list", FaultKind::DropBefore)
            .after(3)
            .times(2),
    );
    assert_eq!(client.list_extensions().await.unwrap().len(), 400);
    world
        .pbx()
        .fault(Fault::forever("extension/list", FaultKind::DropBefore).after(3));
    let error = client.list_extensions().await.unwrap_err();
    assert!(matches!(error, PhoneSystemError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_list_that_says_not_found_is_an_error_and_not_empty() {
    let world = World::new().await;
    let client = world.client();
    world.pbx().fault(Fault::forever(
        "extension/list",
        FaultKind::Errcode { code: 60_001 },
    ));
    assert!(client.list_extensions().await.is_err());
}

#[tokio::test]
async fn the_system_says_what_it_is_and_can() {
    for (firmware, groups, modern) in [
        ("83.8.0.25", false, false),
        ("83.10.0.30", false, true),
        ("83.23.0.123", true, true),
    ] {
        let world = World::with(|config| config.firmware = firmware.to_owned()).await;
        let client = world.client();
        assert_eq!(client.information().await.unwrap().firmware_version, firmware);
        for _ in 0..2 {
            let found = client.capabilities().await.unwrap();
            assert_eq!(
                (found.extension_groups, found.contacts, found.presence),
                (groups, modern, modern)
            );
        }
        assert_eq!(world.pbx().requests("extensiongroup/list"), 1);
        let capacity = client.capacity().await.unwrap();
        assert_eq!((capacity.extensions, capacity.used), (500, 5));
    }
}

#[tokio::test]
async fn a_pbx_without_a_serial_number_is_refused_with_a_sentence_that_names_it() {
    let world = World::with(|config| config.behaviour.tells_serial_number = false).await;
    let client = world.client();
    let error = client.information().await.unwrap_err().to_string();
    assert!(
        error.contains("serial number (sn)") && error.contains("firmware"),
        "{error}"
    );
    assert!(client.capabilities().await.unwrap().contacts, "the rest goes on");
}
