//! One token for everyone: shared, renewed once, and never at the price of a lock-out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use shared::pbx::{InMemoryTokens, PbxClient, PbxConfig};
use shared::ports::{
    CredentialsDigest, PbxTokenStore, PbxTokens, PhoneSystem as _, PhoneSystemError, ShutProblem,
    TokenStoreError,
};
use simulators::pbx::{Fault, FaultKind, KeyPair};

use crate::support::{World, config_for};

fn shut(error: &PhoneSystemError) -> Option<ShutProblem> {
    match error {
        PhoneSystemError::Shut { problem, .. } => Some(*problem),
        _ => None,
    }
}

#[tokio::test]
async fn two_functions_share_one_sign_in() {
    let world = World::new().await;
    world.client().capacity().await.unwrap();
    world.client().capacity().await.unwrap();
    assert_eq!(world.pbx().requests("get_token"), 1);
}

#[tokio::test]
async fn many_calls_at_once_sign_in_once() {
    let world = World::new().await;
    let client = world.client();
    let calls = (0..30).map(|_| client.capacity());
    for answer in futures::future::join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(world.pbx().requests("get_token"), 1);
    assert!(world.pbx().counters().in_flight_peak <= 4);
}

#[tokio::test]
async fn a_token_near_its_end_is_renewed_without_signing_in() {
    let world = World::new().await;
    let client = world.client();
    client.capacity().await.unwrap();
    for _ in 0..20 {
        world.clock.advance(Duration::from_secs(1_741));
        client.capacity().await.unwrap();
    }
    assert_eq!(world.pbx().requests("get_token"), 1);
    assert_eq!(world.pbx().requests("refresh_token"), 20);
    assert_eq!(world.pbx().counters().answers.get(&10_004), None);
}

#[tokio::test]
async fn a_dead_refresh_token_falls_back_to_one_sign_in() {
    let world = World::new().await;
    let client = world.client();
    client.capacity().await.unwrap();
    world.clock.advance(Duration::from_hours(25));
    client.capacity().await.unwrap();
    assert_eq!(world.pbx().requests("get_token"), 2);
    assert_eq!(world.pbx().requests("refresh_token"), 0);
}

#[tokio::test]
async fn tokens_revoked_on_the_pbx_are_replaced_once_and_the_calls_repeated() {
    let world = World::new().await;
    let client = world.client();
    client.capacity().await.unwrap();
    world.pbx().revoke_tokens();
    world.pbx().reset_counters();
    let calls = (0..10).map(|_| client.capacity());
    for answer in futures::future::join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(world.pbx().requests("refresh_token"), 1);
    assert_eq!(world.pbx().requests("get_token"), 1);
}

#[tokio::test]
async fn a_token_that_another_function_renewed_is_taken_from_the_store() {
    let world = World::new().await;
    let (ours, theirs) = (world.client(), world.client());
    ours.capacity().await.unwrap();
    theirs.capacity().await.unwrap();
    world.clock.advance(Duration::from_secs(1_750));
    theirs.capacity().await.unwrap();
    ours.capacity().await.unwrap();
    assert_eq!(world.pbx().requests("refresh_token"), 1);
    assert_eq!(world.pbx().requests("get_token"), 1);
}

#[tokio::test]
async fn a_pbx_that_rejects_every_token_is_not_signed_in_to_again_and_again() {
    let world = World::new().await;
    let client = world.client();
    world
        .pbx()
        .fault(Fault::forever("system/*", FaultKind::Errcode { code: 10_004 }));
    let error = client.capacity().await.unwrap_err();
    assert!(matches!(error, PhoneSystemError::Unexpected { .. }), "{error:?}");
    assert_eq!(world.pbx().requests("system/capacity"), 2);
    assert_eq!(
        world.pbx().requests("get_token") + world.pbx().requests("refresh_token"),
        2
    );
}

#[tokio::test]
async fn parameter_refusals_never_cause_a_sign_in() {
    let world = World::new().await;
    let client = world.client();
    client.capacity().await.unwrap();
    world.pbx().reset_counters();
    for code in [40_001, 40_002, 40_003, 10_005] {
        world
            .pbx()
            .fault(Fault::once("system/capacity", FaultKind::Errcode { code }));
        client.capacity().await.unwrap_err();
    }
    assert_eq!(
        world.pbx().requests("get_token") + world.pbx().requests("refresh_token"),
        0
    );
}

// case: 60
#[tokio::test]
async fn a_token_is_shown_to_nobody_but_the_pbx_that_gave_it() {
    let world = World::new().await;
    world.client().capacity().await.unwrap();
    let given = world.store.load().await.unwrap().unwrap();
    let elsewhere = World::new().await;
    let same_credentials = || elsewhere.client_on(elsewhere.config(), Arc::clone(&world.store) as _);
    same_credentials().capacity().await.unwrap();
    let asked = |call: &str| elsewhere.pbx().requests(call);
    assert_eq!((asked("get_token"), asked("refresh_token")), (1, 0));
    assert_eq!(elsewhere.pbx().counters().answers.get(&10_004), None);
    // One that could be renewed only is no other.
    world.store.save(&given).await.unwrap();
    elsewhere.clock.advance(Duration::from_secs(1_750));
    same_credentials().capacity().await.unwrap();
    assert_eq!((asked("get_token"), asked("refresh_token")), (2, 0));
    assert_eq!(elsewhere.pbx().counters().answers.get(&10_004), None);
}

#[tokio::test]
async fn a_token_belongs_to_credentials_and_to_who_vouches_for_the_pbx() {
    let world = World::new().await;
    world.client().capacity().await.unwrap();
    let vouched_for = PbxConfig {
        ca_pem: Some(include_str!("tls/ca.pem").to_owned()),
        ..world.config()
    };
    world.client_with(vouched_for).capacity().await.unwrap();
    assert_eq!(world.pbx().requests("get_token"), 2);
    let wrong = world.client_with(config_for(&world.running.base_url(), "wrong"));
    let error = wrong.capacity().await.unwrap_err();
    assert_eq!(shut(&error), Some(ShutProblem::WrongCredentials));
}

#[tokio::test]
async fn wrong_credentials_are_tried_once_and_never_block_us() {
    let world = World::new().await;
    let client = world.client_with(config_for(&world.running.base_url(), "wrong"));
    for _ in 0..10 {
        let error = client.capacity().await.unwrap_err();
        assert_eq!(shut(&error), Some(ShutProblem::WrongCredentials));
    }
    assert_eq!(world.pbx().requests("get_token"), 1);
    world.client().capacity().await.unwrap();
}

/// Which code refuses credentials is not documented, and the fifth refusal blocks our address.
#[tokio::test]
async fn whatever_code_refuses_the_credentials_there_is_one_sign_in() {
    for code in [-1, 1, 10_001, 10_009, 40_002, 40_011, 60_001, 70_084, 99_999] {
        let world = World::with(|config| config.behaviour.wrong_credentials_errcode = code).await;
        let client = world.client_with(config_for(&world.running.base_url(), "wrong"));
        let calls = (0..10).map(|_| client.capacity());
        for answer in futures::future::join_all(calls).await {
            let error = answer.unwrap_err();
            assert_eq!(shut(&error), Some(ShutProblem::WrongCredentials), "{code}");
            assert!(error.to_string().contains(&code.to_string()), "{error}");
        }
        world.clock.advance(Duration::from_hours(1));
        client.capacity().await.unwrap_err();
        assert_eq!(world.pbx().requests("get_token"), 1, "{code}");
    }
}

#[tokio::test]
async fn a_busy_or_ill_pbx_has_not_refused_the_credentials() {
    for code in [70_082, -2] {
        let world = World::new().await;
        let client = world.client();
        world
            .pbx()
            .fault(Fault::once("get_token", FaultKind::Errcode { code }));
        client.capacity().await.unwrap();
    }
}

#[tokio::test]
async fn a_regenerated_client_secret_is_named() {
    let world = World::new().await;
    let client = world.client();
    client.capacity().await.unwrap();
    world
        .pbx()
        .set_api_credentials(KeyPair::new("simulated-client-id", "another"));
    world.pbx().revoke_tokens();
    let error = client.capacity().await.unwrap_err();
    assert_eq!(shut(&error), Some(ShutProblem::WrongCredentials));
    assert!(error.to_string().contains("Client Secret"));
}

#[tokio::test]
async fn the_ninth_session_is_refused_with_a_sentence() {
    let world = World::new().await;
    for _ in 0..8 {
        let alone = world.client_on(world.config(), Arc::new(InMemoryTokens::default()));
        alone.capacity().await.unwrap();
    }
    let error = world.client().capacity().await.unwrap_err();
    assert_eq!(shut(&error), Some(ShutProblem::NoFreeSession));
}

#[tokio::test]
async fn a_client_under_test_frees_its_session_when_closed() {
    let world = World::new().await;
    for _ in 0..20 {
        let client = PbxClient::under_test(world.config(), Arc::clone(&world.clock) as _).unwrap();
        client.information().await.unwrap();
        client.close().await;
    }
    assert_eq!(world.pbx().requests("del_token"), 20);
}

#[tokio::test]
async fn a_session_that_cannot_be_given_back_is_no_failure() {
    let world = World::new().await;
    let client = PbxClient::under_test(world.config(), Arc::clone(&world.clock) as _).unwrap();
    client.close().await;
    assert_eq!(world.pbx().requests("del_token"), 0, "it never signed in");
    client.information().await.unwrap();
    world
        .pbx()
        .fault(Fault::forever("del_token", FaultKind::DropBefore));
    client.close().await;
    client.close().await;
    assert_eq!(world.pbx().requests("del_token"), 1);
}

#[tokio::test]
async fn closing_a_client_with_a_shared_token_leaves_it_to_the_others() {
    let world = World::new().await;
    let client = world.client();
    client.capacity().await.unwrap();
    client.close().await;
    assert_eq!(world.pbx().requests("del_token"), 0);
}

#[tokio::test]
async fn every_way_of_being_shut_out_has_its_name_and_stops_us() {
    for (code, problem) in [
        (70_004, ShutProblem::AddressBlocked),
        (70_087, ShutProblem::AddressForbidden),
        (70_123, ShutProblem::ApiOff),
    ] {
        for endpoint in ["get_token", "system/capacity"] {
            let world = World::new().await;
            let client = world.client();
            world
                .pbx()
                .fault(Fault::once(endpoint, FaultKind::Errcode { code }));
            let error = client.capacity().await.unwrap_err();
            assert_eq!(shut(&error), Some(problem), "{code} on {endpoint}");
            assert!(error.to_string().contains(&code.to_string()));
            let asked = world.pbx().requests(endpoint);
            let again = client.capacity().await.unwrap_err();
            assert_eq!(shut(&again), Some(problem));
            assert_eq!(world.pbx().requests(endpoint), asked, "it must not knock again");
            world.clock.advance(Duration::from_mins(6));
            client.capacity().await.unwrap();
        }
    }
}

/// Case 62: a PBX that gives tokens of no life does not make us sign in before every call.
#[tokio::test]
async fn absurd_lifetimes_do_not_cause_a_storm_of_sign_ins() {
    // case: 62
    for seconds in [0, -1, 1_000_000_000_000] {
        let world = World::new().await;
        let client = world.client();
        world.pbx().change_settings(|settings| {
            settings.behaviour.access_token_seconds = seconds;
        });
        for _ in 0..5 {
            let _ = client.capacity().await;
        }
        assert!(world.pbx().requests("get_token") <= 6, "{seconds}");
    }
}

/// A store whose claim somebody else holds for the first few looks, and who then saves.
struct HeldElsewhere {
    inner: InMemoryTokens,
    refusals_left: AtomicUsize,
    theirs: PbxTokens,
}

#[async_trait]
impl PbxTokenStore for HeldElsewhere {
    async fn load(&self) -> Result<Option<PbxTokens>, TokenStoreError> {
        self.inner.load().await
    }

    async fn claim_renewal(&self, _now: Timestamp, _until: Timestamp) -> Result<bool, TokenStoreError> {
        if self.refusals_left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.inner.save(&self.theirs).await?;
        }
        Ok(false)
    }

    async fn save(&self, tokens: &PbxTokens) -> Result<(), TokenStoreError> {
        self.inner.save(tokens).await
    }

    async fn refusal(&self, of: &CredentialsDigest) -> Result<Option<String>, TokenStoreError> {
        self.inner.refusal(of).await
    }

    async fn note_refusal(&self, of: &CredentialsDigest, sentence: &str) -> Result<(), TokenStoreError> {
        self.inner.note_refusal(of, sentence).await
    }

    async fn clear(&self) -> Result<(), TokenStoreError> {
        self.inner.clear().await
    }
}

#[tokio::test]
async fn whoever_loses_the_claim_waits_for_the_winner() {
    let world = World::new().await;
    world.client().capacity().await.unwrap();
    let theirs = world.store.load().await.unwrap().unwrap();
    let store = HeldElsewhere {
        inner: InMemoryTokens::default(),
        refusals_left: AtomicUsize::new(3),
        theirs,
    };
    world
        .client_on(world.config(), Arc::new(store))
        .capacity()
        .await
        .unwrap();
    assert_eq!(world.clock.waits(), 3);
    assert_eq!(world.pbx().requests("get_token"), 1);
}

/// The answers of all sign-ins are lost; each of them takes a session.
#[tokio::test]
async fn sign_ins_without_an_answer_never_use_up_the_sessions() {
    let world = World::new().await;
    let client = world.client();
    world
        .pbx()
        .fault(Fault::forever("get_token", FaultKind::DropAfterCommit));
    let calls = (0..20).map(|_| client.capacity());
    for answer in futures::future::join_all(calls).await {
        assert_eq!(shut(&answer.unwrap_err()), Some(ShutProblem::NoAnswer));
    }
    assert_eq!(
        (world.pbx().requests("get_token"), world.pbx().sessions()),
        (1, 1)
    );
    for _ in 0..120 {
        world.clock.advance(Duration::from_mins(1));
        client.capacity().await.unwrap_err();
        assert!(world.pbx().sessions() <= 6);
    }
    assert_eq!(world.pbx().counters().answers.get(&60_002), None);
    world.pbx().clear_faults();
    world.clock.advance(Duration::from_mins(6));
    client.capacity().await.unwrap();
}

#[tokio::test]
async fn an_unreadable_answer_to_a_sign_in_counts_as_a_lost_one() {
    let world = World::new().await;
    let client = world.client();
    world.pbx().fault(Fault::once("get_token", FaultKind::Garbage));
    for _ in 0..5 {
        let error = client.capacity().await.unwrap_err();
        assert_eq!(shut(&error), Some(ShutProblem::NoAnswer));
    }
    assert_eq!(
        (world.pbx().requests("get_token"), world.pbx().sessions()),
        (1, 1)
    );
}

/// Every refused call may count as a failed sign-in, and the fifth blocks the address.
#[tokio::test]
async fn an_address_that_is_taken_off_the_allow_list_is_never_blocked_by_what_is_under_way() {
    let world = World::with(|config| config.behaviour.forbidden_calls_count_as_failures = true).await;
    let client = world.client();
    let many = || futures::future::join_all((0..40).map(|_| client.capacity()));
    assert!(many().await.iter().all(Result::is_ok));
    world
        .pbx()
        .change_settings(|settings| settings.allow_list = Some([[192, 0, 2, 1].into()].into()));
    world.pbx().reset_counters();
    for answer in many().await {
        assert_eq!(shut(&answer.unwrap_err()), Some(ShutProblem::AddressForbidden));
    }
    let refused = world.pbx().counters().answers[&70_087];
    assert!((1..=4).contains(&refused), "{refused}");
    assert_eq!(
        world.pbx().requests("system/capacity"),
        refused,
        "none was sent afterwards"
    );
    world.pbx().change_settings(|settings| settings.allow_list = None);
    world.clock.advance(Duration::from_mins(6));
    assert!(many().await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn after_being_shut_out_one_call_tries_alone() {
    let world = World::new().await;
    let client = world.client();
    let many = || futures::future::join_all((0..40).map(|_| client.capacity()));
    assert!(many().await.iter().all(Result::is_ok));
    world
        .pbx()
        .change_settings(|settings| settings.allow_list = Some([[192, 0, 2, 1].into()].into()));
    many().await;
    for _ in 0..3 {
        world.clock.advance(Duration::from_mins(6));
        world.pbx().reset_counters();
        assert!(many().await.iter().all(Result::is_err));
        assert_eq!(world.pbx().requests("system/capacity"), 1);
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_sign_in_is_not_a_lost_write() {
    let world = World::new().await;
    world
        .pbx()
        .fault(Fault::forever("get_token", FaultKind::DropBefore));
    let error = world
        .client()
        .delete_extension(shared::domain::ids::ExtensionId(1))
        .await
        .unwrap_err();
    assert_eq!(shut(&error), Some(ShutProblem::NoAnswer), "{error:?}");
    assert_eq!(world.pbx().requests("get_token"), 1);
    assert_eq!(world.pbx().requests("extension/delete"), 0);
}

/// Case 63: neither credentials nor tokens appear in what is printed of a failure.
#[tokio::test]
async fn no_secret_is_printed() {
    // case: 63
    let world = World::new().await;
    let client = world.client();
    client.capacity().await.unwrap();
    let token = world.store.load().await.unwrap().unwrap();
    world.pbx().fault(Fault::forever("*", FaultKind::DropBefore));
    let error = client.capacity().await.unwrap_err();
    let mut shown = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        shown = format!("{shown} {error} {error:?}");
        cause = error.source();
    }
    for secret in [
        token.access_token.expose_secret(),
        token.refresh_token.expose_secret(),
        "simulated-client-secret",
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let PbxConfig { credentials, .. } = world.config();
    assert!(!format!("{credentials:?}").contains("simulated-client-secret"));
}
