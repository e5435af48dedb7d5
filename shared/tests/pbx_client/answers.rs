//! Answers that are none: pages of another program, endless ones, and addresses that are not a PBX.

use shared::pbx::PbxClient;
use shared::ports::{PhoneSystem as _, PhoneSystemError as E, ShutProblem, SideError};
use shared::settings::AddressPolicy;
use simulators::pbx::{Fault, FaultKind};

use crate::support::{Canned, World, config_for, impatient};

/// Case 57: login pages, garbage, endless bodies and foreign statuses are typed errors of a bounded size.
#[tokio::test]
async fn answers_that_are_not_the_apis_are_typed_errors() {
    // case: 57
    for kind in [
        FaultKind::Html,
        FaultKind::Garbage,
        FaultKind::HugeBody { bytes: 1 << 30 },
        FaultKind::Http {
            status: 404,
            body: "nothing here".to_owned(),
        },
        FaultKind::Errcode { code: 12_345 },
    ] {
        for endpoint in ["get_token", "extension/list", "system/capacity"] {
            let world = World::new().await;
            let client = world.client();
            world.pbx().fault(Fault::forever(endpoint, kind.clone()));
            let outcome = match endpoint {
                "system/capacity" => client.capacity().await.map(|_| ()),
                _ => client.list_extensions().await.map(|_| ()),
            };
            let named = match (&kind, endpoint) {
                (FaultKind::Http { .. }, _) => matches!(outcome, Err(E::Unexpected { .. })),
                // Of a sign-in it counts as what would do harm if it were tried again.
                (FaultKind::Errcode { .. }, "get_token") => {
                    matches!(
                        outcome,
                        Err(E::Shut {
                            problem: ShutProblem::WrongCredentials,
                            ..
                        })
                    )
                }
                (_, "get_token") => matches!(
                    outcome,
                    Err(E::Shut {
                        problem: ShutProblem::NoAnswer,
                        ..
                    })
                ),
                _ => matches!(outcome, Err(E::Unexpected { .. })),
            };
            assert!(named, "{kind:?} on {endpoint}: {outcome:?}");
            assert_eq!(world.pbx().requests(endpoint), 1, "{kind:?} on {endpoint}");
        }
    }
}

#[tokio::test]
async fn an_ill_front_end_is_asked_a_few_times() {
    let world = World::new().await;
    let client = world.client();
    let ill = FaultKind::Http {
        status: 503,
        body: String::new(),
    };
    world
        .pbx()
        .fault(Fault::once("system/capacity", ill.clone()).times(2));
    client.capacity().await.unwrap();
    world.pbx().fault(Fault::forever("system/capacity", ill));
    assert!(matches!(client.capacity().await, Err(E::Unavailable { .. })));
    assert_eq!(world.pbx().requests("system/capacity"), 6);
}

/// Case 57: an answer that never ends is cut off.
#[tokio::test]
async fn an_answer_that_never_ends_is_cut_off() {
    // case: 57
    let drip = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"err";
    let server = Canned::start(drip.to_owned()).await;
    let world = World::new().await;
    let client = world.client_with(impatient(config_for(&server.base_url, "secret")));
    let cut_off = client.capacity().await;
    let problem = ShutProblem::NoAnswer;
    assert!(
        matches!(&cut_off, Err(E::Shut { problem: named, .. }) if *named == problem),
        "{cut_off:?}"
    );
}

/// Case 56: a redirect is an error; where it points to hears nothing.
#[tokio::test]
async fn redirects_are_not_followed() {
    // case: 56
    let target = Canned::start(String::new()).await;
    for status in [301, 302, 303, 307, 308] {
        let location = &target.base_url;
        let redirect =
            format!("HTTP/1.1 {status} Moved\r\nlocation: {location}/\r\ncontent-length: 0\r\n\r\n");
        let server = Canned::start(redirect).await;
        let world = World::new().await;
        let client = world.client_with(config_for(&server.base_url, "secret"));
        let outcome = client.capacity().await;
        assert!(matches!(outcome, Err(E::Unexpected { .. })), "{outcome:?}");
        assert_eq!((server.connections(), target.connections()), (1, 0), "{status}");
    }
}

/// Case 55: an address that the policy refuses makes no client.
#[tokio::test]
async fn a_refused_address_makes_no_client() {
    // case: 55
    let world = World::new().await;
    let mut config = world.config();
    config.policy = AddressPolicy::Private;
    let refused = PbxClient::new(
        config,
        std::sync::Arc::clone(&world.store) as _,
        std::sync::Arc::clone(&world.clock) as _,
    );
    assert!(matches!(
        refused,
        Err(SideError {
            field: "/pbx/base_url",
            ..
        })
    ));
}

/// Case 58: certificates that do not read are refused when they are saved.
#[tokio::test]
async fn a_private_authority_must_be_a_certificate() {
    // case: 58
    let world = World::new().await;
    for pem in [
        "",
        "nonsense",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let mut config = world.config();
        config.ca_pem = Some(pem.to_owned());
        let refused = PbxClient::new(
            config,
            std::sync::Arc::clone(&world.store) as _,
            std::sync::Arc::clone(&world.clock) as _,
        );
        assert!(
            matches!(
                refused,
                Err(SideError {
                    field: "/pbx/ca_pem",
                    ..
                })
            ),
            "{pem:?}"
        );
    }
}
