//! Writes: sent once, and honest about what is not known.

use shared::domain::extension::{Field, FieldsPatch, OwnedFields};
use shared::domain::ids::ExtensionId;
use shared::ports::{Deleted, PhoneSystem as _, PhoneSystemError as E};
use simulators::pbx::{Fault, FaultKind, Person};

use crate::support::{World, impatient, number, wanted};

async fn with_one() -> (World, ExtensionId) {
    let world = World::new().await;
    let id = world.client().create_extension(&wanted("2001")).await.unwrap();
    world.pbx().reset_counters();
    (world, id)
}

#[tokio::test]
async fn an_extension_is_made_with_passwords_of_its_own() {
    let world = World::new().await;
    let client = world.client();
    let id = client.create_extension(&wanted("2001")).await.unwrap();
    client.create_extension(&wanted("2002")).await.unwrap();
    let (one, other) = (
        world.pbx().extension("2001").unwrap(),
        world.pbx().extension("2002").unwrap(),
    );
    assert_eq!(i64::from(one.id), id.0);
    assert_eq!((one.first_name.as_str(), one.title.as_str()), ("Ana", "Engineer"));
    assert_eq!(one.presence_status, "available");
    assert_ne!(one.user_password, other.user_password);
    assert_ne!(one.reg_password, one.user_password);
}

#[tokio::test]
async fn the_root_organization_is_named_where_it_is_wanted_and_learnt_once() {
    let world = World::new().await;
    let client = world.client();
    for number in ["2001", "2002", "2003"] {
        client.create_extension(&wanted(number)).await.unwrap();
    }
    assert_eq!(world.pbx().requests("system/get_menuoptions"), 1);
    assert_eq!(world.pbx().requests("extension/create"), 4);
    world
        .pbx()
        .change_settings(|settings| settings.organizations_enabled = false);
    client.create_extension(&wanted("2004")).await.unwrap();
}

#[tokio::test]
async fn a_pbx_without_organizations_is_not_asked_for_them() {
    let world = World::with(|config| config.organizations_enabled = false).await;
    world.client().create_extension(&wanted("2001")).await.unwrap();
    assert_eq!(world.pbx().requests("extension/create"), 1);
    assert_eq!(world.pbx().requests("system/get_menuoptions"), 0);
}

#[tokio::test]
async fn a_create_whose_answer_has_no_id_is_looked_up() {
    let world = World::with(|config| config.behaviour.create_returns_id = false).await;
    let id = world.client().create_extension(&wanted("2001")).await.unwrap();
    assert_eq!(i64::from(world.pbx().extension("2001").unwrap().id), id.0);
}

#[tokio::test]
async fn refusals_of_a_create_have_their_class() {
    let (world, _) = with_one().await;
    let client = world.client();
    assert!(matches!(
        client.create_extension(&wanted("2001")).await,
        Err(E::Conflict { .. })
    ));

    let mut same_mail = wanted("2002");
    same_mail.fields.email = "ana.2001@example.com".to_owned();
    assert!(matches!(
        client.create_extension(&same_mail).await,
        Err(E::Conflict { .. })
    ));

    let mut bad_mail = wanted("2002");
    bad_mail.fields.email = "not a mail".to_owned();
    let refused = client.create_extension(&bad_mail).await.unwrap_err();
    assert!(
        matches!(&refused, E::Invalid { field, .. } if field == "email_addr"),
        "{refused:?}"
    );

    world.pbx().change_settings(|settings| settings.capacity = 6);
    assert!(matches!(
        client.create_extension(&wanted("2002")).await,
        Err(E::CapacityReached)
    ));
}

/// Case 59: hostile directory text never breaks the request, and what is stored is what was sent.
#[tokio::test]
async fn directory_text_reaches_the_pbx_as_it_is_or_is_refused() {
    // case: 59
    let (world, id) = with_one().await;
    let client = world.client();
    for text in [
        "O\"Neil\\",
        "line\r\nbreak",
        "nul\0",
        "🦀",
        "\u{202e}rtl",
        "<sip:x@y>;",
        &"x".repeat(10_000),
    ] {
        let patch = FieldsPatch {
            after: OwnedFields {
                first_name: text.to_owned(),
                ..OwnedFields::default()
            },
            fields: vec![Field::FirstName],
        };
        match client.update_extension(id, &patch).await {
            Ok(()) => assert_eq!(world.pbx().extension("2001").unwrap().first_name, text),
            Err(E::Invalid { field, .. }) => assert_eq!(field, "first_name"),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_update_writes_the_fields_of_the_patch_and_no_other() {
    let (world, id) = with_one().await;
    let patch = FieldsPatch {
        after: OwnedFields {
            title: "Director".to_owned(),
            ..OwnedFields::default()
        },
        fields: vec![Field::Title, Field::Mobile],
    };
    world.client().update_extension(id, &patch).await.unwrap();
    let now = world.pbx().extension("2001").unwrap();
    assert_eq!((now.title.as_str(), now.mobile_number.as_str()), ("Director", ""));
    assert_eq!(
        (now.first_name.as_str(), now.email_addr.as_str()),
        ("Ana", "ana.2001@example.com")
    );
    let missing = world
        .client()
        .update_extension(ExtensionId(999_999), &patch)
        .await;
    assert!(matches!(missing, Err(E::NotFound)));
}

#[tokio::test]
async fn an_empty_patch_is_no_call() {
    let (world, id) = with_one().await;
    let patch = FieldsPatch {
        after: OwnedFields::default(),
        fields: Vec::new(),
    };
    world.client().update_extension(id, &patch).await.unwrap();
    assert_eq!(world.pbx().requests("extension/update"), 0);
}

#[tokio::test]
async fn deleting_what_is_gone_is_success() {
    let (world, id) = with_one().await;
    let client = world.client();
    assert_eq!(client.delete_extension(id).await.unwrap(), Deleted::Now);
    assert_eq!(client.delete_extension(id).await.unwrap(), Deleted::Earlier);
}

/// Every way in which an answer can be lost or be of no use after a write was sent.
fn losses() -> [FaultKind; 7] {
    [
        FaultKind::DropBefore,
        FaultKind::DropAfterCommit,
        FaultKind::Errcode { code: -2 },
        FaultKind::Http {
            status: 502,
            body: String::new(),
        },
        FaultKind::Html,
        FaultKind::Garbage,
        FaultKind::HugeBody { bytes: 8 << 20 },
    ]
}

#[tokio::test]
async fn a_create_without_an_answer_is_unknown_and_not_repeated() {
    for loss in losses() {
        let world = World::with(|config| config.organizations_enabled = false).await;
        let client = world.client();
        world.pbx().fault(Fault::once("extension/create", loss.clone()));
        let outcome = client.create_extension(&wanted("2001")).await;
        assert!(
            matches!(outcome, Err(E::OutcomeUnknown { .. })),
            "{loss:?}: {outcome:?}"
        );
        assert_eq!(world.pbx().requests("extension/create"), 1, "{loss:?}");
        let made = client.lookup_extension(&number("2001")).await.unwrap().is_some();
        assert_eq!(
            made,
            matches!(loss, FaultKind::DropAfterCommit | FaultKind::Garbage),
            "{loss:?}"
        );
    }
}

#[tokio::test]
async fn an_update_without_an_answer_is_unknown_and_not_repeated() {
    let patch = FieldsPatch {
        after: OwnedFields {
            title: "Director".to_owned(),
            ..OwnedFields::default()
        },
        fields: vec![Field::Title],
    };
    for loss in losses() {
        let (world, id) = with_one().await;
        world.pbx().fault(Fault::once("extension/update", loss.clone()));
        let outcome = world.client().update_extension(id, &patch).await;
        assert!(
            matches!(outcome, Err(E::OutcomeUnknown { .. })),
            "{loss:?}: {outcome:?}"
        );
        assert_eq!(world.pbx().requests("extension/update"), 1, "{loss:?}");
    }
}

#[tokio::test]
async fn a_delete_is_a_get_and_still_never_repeated() {
    for loss in losses() {
        let (world, id) = with_one().await;
        let client = world.client();
        world.pbx().fault(Fault::once("extension/delete", loss.clone()));
        let outcome = client.delete_extension(id).await;
        assert!(
            matches!(outcome, Err(E::OutcomeUnknown { .. })),
            "{loss:?}: {outcome:?}"
        );
        assert_eq!(world.pbx().requests("extension/delete"), 1, "{loss:?}");
    }
}

#[tokio::test]
async fn a_delete_on_a_pbx_that_keeps_connections_open_is_not_repeated_either() {
    let (world, id) = with_one().await;
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.close_connections = false);
    let client = world.client();
    for _ in 0..3 {
        client.capacity().await.unwrap();
    }
    world
        .pbx()
        .fault(Fault::once("extension/delete", FaultKind::DropAfterCommit));
    assert!(matches!(
        client.delete_extension(id).await,
        Err(E::OutcomeUnknown { .. })
    ));
    assert_eq!(world.pbx().requests("extension/delete"), 1);
    assert_eq!(client.delete_extension(id).await.unwrap(), Deleted::Earlier);
}

#[tokio::test]
async fn a_write_that_is_answered_too_late_is_unknown() {
    let (world, id) = with_one().await;
    let client = world.client_with(impatient(world.config()));
    client.capacity().await.unwrap();
    world.pbx().fault(Fault::once(
        "extension/delete",
        FaultKind::DelayAfterCommit { ms: 60_000 },
    ));
    assert!(matches!(
        client.delete_extension(id).await,
        Err(E::OutcomeUnknown { .. })
    ));
    assert_eq!(client.delete_extension(id).await.unwrap(), Deleted::Earlier);
}

#[tokio::test]
async fn a_busy_pbx_is_waited_for_because_nothing_was_carried_out() {
    let (world, id) = with_one().await;
    let client = world.client();
    let busy = FaultKind::Errcode { code: 70_082 };
    world
        .pbx()
        .fault(Fault::once("extension/delete", busy.clone()).times(5));
    assert_eq!(client.delete_extension(id).await.unwrap(), Deleted::Now);
    assert_eq!(world.pbx().requests("extension/delete"), 6);
    assert!((100..=150).contains(&world.clock.waited().as_secs()));

    world.pbx().fault(Fault::forever("extension/create", busy));
    let outcome = client.create_extension(&wanted("2002")).await;
    assert!(matches!(outcome, Err(E::Unavailable { .. })), "{outcome:?}");
    assert_eq!(world.pbx().requests("extension/create"), 6);
}

#[tokio::test]
async fn a_pbx_that_is_not_there_is_unavailable_also_for_writes() {
    let (world, id) = with_one().await;
    let client = world.client();
    client.capacity().await.unwrap();
    let World { running, .. } = world;
    running.shutdown().await;
    assert!(matches!(
        client.delete_extension(id).await,
        Err(E::Unavailable { .. })
    ));
}

#[tokio::test]
async fn welcome_mails_are_sent_for_those_who_have_an_address() {
    let (world, id) = with_one().await;
    let client = world.client();
    client.send_welcome_mail(&[id]).await.unwrap();
    assert_eq!(world.pbx().outbox().len(), 1);
    let without = world.pbx().add_extension(&Person::default()).unwrap();
    let partly = client.send_welcome_mail(&[id, ExtensionId(without.into())]).await;
    assert!(partly.is_err(), "{partly:?}");
    client.send_welcome_mail(&[]).await.unwrap();
}

#[tokio::test]
async fn the_pbx_is_never_asked_more_at_once_than_configured() {
    let world = World::with(|config| config.capacity = 1_000).await;
    let mut config = world.config();
    config.max_concurrency = 3;
    let client = world.client_with(config);
    assert_eq!(client.write_slots(), 3);
    let people: Vec<_> = (3000..3060).map(|number| wanted(&number.to_string())).collect();
    for made in futures::future::join_all(people.iter().map(|wanted| client.create_extension(wanted))).await {
        made.unwrap();
    }
    assert!(world.pbx().counters().in_flight_peak <= 3);
}
