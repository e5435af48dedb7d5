//! One provider over HTTP: when its documents are fetched, what is sent to its token endpoint, and how refusals read.

use secrecy::SecretString;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use serde_json::json;

use super::super::attempt::BrowserSecret;
use super::super::test_provider::{CLIENT, NONCE, TENANT, TestProvider, claims, entry, header, token};
use super::*;

fn client() -> Client {
    Client {
        client_id: CLIENT.parse().unwrap(),
        credential: AppCredential::secret("canary-secret~+/"),
    }
}

async fn identify(world: &TestProvider, kid: &str, number: usize) -> Result<Identity, SsoError> {
    let token = token(&header(kid), &claims(&world.issuer()), number);
    world
        .provider()
        .identify(&token, CLIENT.parse().unwrap(), NONCE)
        .await
}

fn is_unknown_key(result: &Result<Identity, SsoError>) -> bool {
    matches!(result, Err(SsoError::Token(TokenProblem::UnknownKey)))
}

#[tokio::test]
async fn many_sign_ins_at_once_fetch_the_keys_once_and_later_ones_not_at_all() {
    let world = TestProvider::start().await;
    let all = join_all((0..20).map(|_| identify(&world, "one", 0))).await;
    assert!(all.iter().all(Result::is_ok));
    world.clock.advance(59);
    identify(&world, "one", 0).await.unwrap();
    assert_eq!(world.fetched(), 1);
    world.clock.advance(2);
    identify(&world, "one", 0).await.unwrap();
    assert_eq!(world.fetched(), 2);
    assert_eq!(world.inside.described.load(Ordering::SeqCst), 1);
}

// case: 21
#[tokio::test]
async fn a_thousand_unknown_key_ids_cost_one_fetch_in_five_minutes() {
    let world = TestProvider::start().await;
    identify(&world, "one", 0).await.unwrap();
    let forged: String = token(&header("x"), &json!({}), 1);
    let payload = forged.split_once('.').unwrap().1;
    for n in 0..1_000 {
        use base64::Engine as _;
        let header =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header(&format!("k{n}")).to_string());
        let refused = world
            .provider()
            .identify(&format!("{header}.{payload}"), CLIENT.parse().unwrap(), NONCE)
            .await;
        assert!(is_unknown_key(&refused));
    }
    assert!(world.fetched() <= 2, "{}", world.fetched());
    world.clock.advance(5);
    assert!(is_unknown_key(&identify(&world, "another", 1).await));
    assert!(world.fetched() <= 3);
}

// case: 22
#[tokio::test]
async fn a_key_that_was_rolled_is_fetched_when_it_is_first_seen() {
    let world = TestProvider::start().await;
    identify(&world, "one", 0).await.unwrap();
    world.clock.advance(1);
    world.inside.keys.lock().unwrap().push(entry("two", 1));
    identify(&world, "two", 1).await.unwrap();
    identify(&world, "two", 1).await.unwrap();
    identify(&world, "one", 0).await.unwrap();
    assert_eq!(world.fetched(), 2);
}

// case: 23
#[tokio::test]
async fn without_the_key_service_the_last_good_keys_serve_for_a_day() {
    let world = TestProvider::start().await;
    identify(&world, "one", 0).await.unwrap();
    world.inside.down.store(true, Ordering::SeqCst);
    world.clock.advance(50);
    for _ in 0..40 {
        world.clock.advance(2);
        // The token itself lives an hour and a bit.
        let judged = identify(&world, "one", 0).await;
        assert!(!matches!(judged, Err(SsoError::Unavailable { .. })));
    }
    assert!(world.fetched() <= 18, "{}", world.fetched());
    world.clock.advance(24 * 60);
    let closed = identify(&world, "one", 0).await;
    assert!(matches!(closed, Err(SsoError::Unavailable { .. })));
    world.inside.down.store(false, Ordering::SeqCst);
    world.clock.advance(5);
    let judged = identify(&world, "one", 0).await;
    assert!(
        matches!(judged, Err(SsoError::Token(TokenProblem::Time))),
        "{judged:?}"
    );
}

// case: 36
#[tokio::test]
async fn a_service_that_names_another_issuer_is_not_used() {
    let world = TestProvider::start().await;
    *world.inside.issuer.lock().unwrap() = format!("{}/{TENANT}/v1.0", world.origin);
    let refused = identify(&world, "one", 0).await;
    assert!(matches!(refused, Err(SsoError::Discovery(_))));
    assert_eq!(world.fetched(), 0);
}

// case: 35
#[tokio::test]
async fn an_answer_that_names_another_server_is_not_this_ones() {
    let world = TestProvider::start().await;
    let provider = world.provider();
    assert!(provider.may_be_from(None).await.unwrap());
    assert!(provider.may_be_from(Some(&world.issuer())).await.unwrap());
    for other in ["https://evil.example", "", &format!("{}/", world.issuer())] {
        assert!(!provider.may_be_from(Some(other)).await.unwrap(), "{other}");
    }
}

#[tokio::test]
async fn a_browser_is_sent_with_everything_that_binds_the_answer_to_it() {
    let world = TestProvider::start().await;
    let attempt = Attempt::begin(BrowserSecret::generate());
    let request = AuthorizeRequest {
        client_id: CLIENT.parse().unwrap(),
        redirect_uri: "https://connector.example.com/sso/callback",
        scope: "openid profile",
        attempt: &attempt,
        prompt: Some(Prompt::None),
    };
    let url = world.provider().authorize_url(&request).await.unwrap();
    let pairs: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(url.path(), "/authorize");
    assert_eq!(pairs["response_type"], "code");
    assert_eq!(pairs["code_challenge_method"], "S256");
    assert_eq!(pairs["code_challenge"], attempt.challenge());
    assert_eq!(pairs["nonce"], attempt.nonce());
    assert_eq!(pairs["state"], attempt.state());
    assert_eq!(pairs["prompt"], "none");
    assert!(!url.as_str().contains(attempt.verifier().expose_secret()));
}

fn grant<'a>(code: &'a SecretString, verifier: &'a SecretString) -> CodeGrant<'a> {
    CodeGrant {
        code,
        redirect_uri: "https://connector.example.com/sso/callback",
        verifier,
        nonce: NONCE,
    }
}

#[tokio::test]
async fn a_code_is_exchanged_with_the_apps_proof_and_the_verifier() {
    let world = TestProvider::start().await;
    let id_token = token(&header("one"), &claims(&world.issuer()), 0);
    *world.inside.answer.lock().unwrap() = (
        200,
        json!({"id_token": id_token, "refresh_token": "r", "scope": "openid User.Read"}),
    );
    let (code, verifier) = ("the-code".into(), "the-verifier".into());
    let signed_in = world
        .provider()
        .sign_in(&client(), &grant(&code, &verifier))
        .await
        .unwrap();
    assert_eq!(signed_in.scopes, ["openid", "User.Read"]);
    assert!(signed_in.refresh_token.is_some());
    let forms = world.inside.forms.lock().unwrap().clone();
    let form: BTreeMap<_, _> = forms[0].iter().cloned().collect();
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["client_secret"], "canary-secret~+/");
    assert_eq!(form["code_verifier"], "the-verifier");
    assert_eq!(form["client_id"], CLIENT);
}

#[tokio::test]
async fn a_refusal_says_what_to_do_and_nothing_secret() {
    let world = TestProvider::start().await;
    let (code, verifier): (SecretString, SecretString) = ("canary-code".into(), "canary-verifier".into());
    for (status, number, word) in [
        (400, 54_005, "used before"),
        (401, 7_000_222, "expired"),
        (400, 65_001, "consent"),
    ] {
        let body = json!({"error": "invalid_grant", "error_codes": [number], "error_description": "canary"});
        *world.inside.answer.lock().unwrap() = (status, body);
        let refused = world
            .provider()
            .sign_in(&client(), &grant(&code, &verifier))
            .await;
        let error = refused.unwrap_err();
        assert!(matches!(&error, SsoError::Refused { number: Some(found), .. } if *found == number));
        let printed = format!("{error} {error:?}");
        assert!(printed.contains(word) && !printed.contains("canary"), "{printed}");
    }
    *world.inside.answer.lock().unwrap() = (503, json!({}));
    let unavailable = world
        .provider()
        .sign_in(&client(), &grant(&code, &verifier))
        .await;
    assert!(matches!(unavailable, Err(SsoError::Unavailable { .. })));
    // Each was sent once: whether a code was taken is not known after a failure.
    assert_eq!(world.inside.forms.lock().unwrap().len(), 4);
    *world.inside.answer.lock().unwrap() = (200, json!({"access_token": "canary"}));
    let without = world
        .provider()
        .sign_in(&client(), &grant(&code, &verifier))
        .await;
    assert!(matches!(without, Err(SsoError::Token(TokenProblem::Malformed))));
}
