//! Tokens, keys, discovery and every refusal of the sign-in host.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};
use simulators::graph::{Certificate, Fault, FaultKind};
use uuid::Uuid;

use crate::support::{APP, Cloud, Got, OTHER_TENANT, SECRET, TENANT, claims, credentials, read, start_time};

fn refused(got: &Got, status: u16, error: &str, code: u32) {
    assert_eq!(got.status, status, "{}", got.text);
    assert_eq!(got.body["error"], error, "{}", got.text);
    assert_eq!(got.body["error_codes"], json!([code]));
    let description = got.body["error_description"].as_str().unwrap();
    assert!(
        description.starts_with(&format!("AADSTS{code}: ")),
        "{description}"
    );
    assert!(
        description.ends_with("Timestamp: 2026-03-01 10:15:00Z"),
        "{description}"
    );
    assert_eq!(got.body["timestamp"], "2026-03-01 10:15:00Z");
    for name in ["trace_id", "correlation_id"] {
        assert!(Uuid::parse_str(got.body[name].as_str().unwrap()).is_ok());
    }
}

#[tokio::test]
async fn a_token_says_who_it_is_for_and_what_was_granted() {
    let cloud = Cloud::start().await;
    let got = cloud.token(TENANT, &credentials(APP, SECRET)).await;
    assert_eq!(got.body["token_type"], "Bearer");
    assert!(got.body.get("refresh_token").is_none());
    let lifetime = got.body["expires_in"].as_i64().unwrap();
    assert!((3599..=5399).contains(&lifetime));
    assert_eq!(got.body["ext_expires_in"], lifetime);
    let claims = claims(got.body["access_token"].as_str().unwrap());
    assert_eq!(
        (claims["tid"].as_str(), claims["appid"].as_str()),
        (Some(TENANT), Some(APP))
    );
    assert_eq!(
        claims["exp"].as_i64().unwrap(),
        start_time().as_second() + lifetime
    );
    assert!(
        claims["roles"]
            .as_array()
            .unwrap()
            .contains(&json!("User.Read.All"))
    );
}

#[tokio::test]
async fn the_lifetime_varies() {
    let cloud = Cloud::start().await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..5 {
        seen.insert(cloud.token(TENANT, &credentials(APP, SECRET)).await.body["expires_in"].as_i64());
    }
    assert!(seen.len() > 1);
}

#[tokio::test]
async fn a_token_verifies_with_the_published_key() {
    let cloud = Cloud::start().await;
    let token = cloud.token(TENANT, &credentials(APP, SECRET)).await.body["access_token"].clone();
    let token = token.as_str().unwrap();
    let keys = keys(&cloud, TENANT).await;
    assert!(keys.len() >= 2);
    let kid = decode_header(token).unwrap().kid.unwrap();
    let key = keys.iter().find(|key| key["kid"] == kid.as_str()).unwrap();
    let key =
        DecodingKey::from_rsa_components(key["n"].as_str().unwrap(), key["e"].as_str().unwrap()).unwrap();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&["https://graph.microsoft.com"]);
    rules.validate_exp = false;
    decode::<Value>(token, &key, &rules).unwrap();
}

async fn keys(cloud: &Cloud, tenant: &str) -> Vec<Value> {
    let base = cloud.running.login_base_url();
    let document = read(
        cloud
            .http
            .get(format!("{base}/{tenant}/v2.0/.well-known/openid-configuration")),
    )
    .await;
    let keys = read(cloud.http.get(document.body["jwks_uri"].as_str().unwrap())).await;
    assert_eq!(keys.header("cache-control"), Some("max-age=86400, private"));
    keys.body["keys"].as_array().unwrap().clone()
}

fn kids(keys: &[Value]) -> Vec<&str> {
    keys.iter().map(|key| key["kid"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn discovery_names_the_tenant_and_keys_differ_between_tenants() {
    let cloud = Cloud::start().await;
    let base = cloud.running.login_base_url();
    let got = read(cloud.http.get(format!(
        "{base}/one.example/v2.0/.well-known/openid-configuration"
    )))
    .await;
    assert_eq!(got.body["issuer"], format!("{base}/{TENANT}/v2.0"));
    assert_eq!(
        got.body["token_endpoint"],
        format!("{base}/{TENANT}/oauth2/v2.0/token")
    );
    assert_eq!(
        got.body["id_token_signing_alg_values_supported"],
        json!(["RS256"])
    );
    let (one, two) = (keys(&cloud, TENANT).await, keys(&cloud, OTHER_TENANT).await);
    assert!(kids(&one).iter().all(|kid| !kids(&two).contains(kid)));
    assert_eq!(one[0]["issuer"], format!("{base}/{TENANT}/v2.0"));
    assert!(one[0]["x5c"][0].as_str().unwrap().starts_with("MII"));
    let shared = read(
        cloud
            .http
            .get(format!("{base}/common/v2.0/.well-known/openid-configuration")),
    )
    .await;
    assert_eq!(shared.body["issuer"], format!("{base}/{{tenantid}}/v2.0"));
}

#[tokio::test]
async fn every_wrong_credential_has_its_own_number() {
    let cloud = Cloud::start().await;
    let graph = cloud.graph();
    let wrong = cloud.token(TENANT, &credentials(APP, "nonsense")).await;
    refused(&wrong, 401, "invalid_client", 7_000_215);
    graph
        .add_secret(
            TENANT,
            APP,
            "old one",
            start_time() - SignedDuration::from_hours(1),
        )
        .unwrap();
    refused(
        &cloud.token(TENANT, &credentials(APP, "old one")).await,
        401,
        "invalid_client",
        7_000_222,
    );
    let unknown = cloud
        .token(
            TENANT,
            &credentials("cccccccc-0000-4000-8000-000000000009", SECRET),
        )
        .await;
    refused(&unknown, 400, "unauthorized_client", 700_016);
    let nowhere = cloud
        .token("dddddddd-0000-4000-8000-000000000009", &credentials(APP, SECRET))
        .await;
    refused(&nowhere, 400, "invalid_request", 90002);
    refused(
        &cloud.token("not_a_tenant", &credentials(APP, SECRET)).await,
        400,
        "invalid_request",
        900_023,
    );
    for segment in ["common", "consumers"] {
        refused(
            &cloud.token(segment, &credentials(APP, SECRET)).await,
            400,
            "invalid_request",
            9_001_023,
        );
    }
    let [grant, client, _, scope] = credentials(APP, SECRET);
    refused(
        &cloud.token(TENANT, &[grant, client, scope]).await,
        401,
        "invalid_client",
        7_000_218,
    );
    refused(
        &cloud.token(TENANT, &[client, scope]).await,
        400,
        "invalid_request",
        900_144,
    );
    graph.set_app_enabled(TENANT, APP, false).unwrap();
    refused(
        &cloud.token(TENANT, &credentials(APP, SECRET)).await,
        400,
        "unauthorized_client",
        7_000_112,
    );
}

#[tokio::test]
async fn a_scope_must_be_the_default_of_one_resource() {
    let cloud = Cloud::start().await;
    let [grant, client, secret, _] = credentials(APP, SECRET);
    let rows = [
        (
            "https://graph.microsoft.com/User.Read.All",
            "invalid_scope",
            70011,
        ),
        ("", "invalid_scope", 70011),
        (
            "https://graph.microsoft.com/.default https://vault.azure.net/.default",
            "invalid_scope",
            700_022,
        ),
        ("https://nothing.example/.default", "invalid_resource", 500_011),
    ];
    for (scope, error, code) in rows {
        refused(
            &cloud
                .token(TENANT, &[grant, client, secret, ("scope", scope)])
                .await,
            400,
            error,
            code,
        );
    }
}

#[tokio::test]
async fn the_secret_may_come_as_basic_credentials() {
    let cloud = Cloud::start().await;
    let url = format!("{}/{TENANT}/oauth2/v2.0/token", cloud.running.login_base_url());
    let [grant, _, _, scope] = credentials(APP, SECRET);
    let encoded = SECRET.replace('+', "%2B").replace('/', "%2F");
    let got = read(
        cloud
            .http
            .post(url)
            .basic_auth(APP, Some(encoded))
            .form(&[grant, scope]),
    )
    .await;
    assert_eq!(got.status, 200, "{}", got.text);
}

#[tokio::test]
async fn without_consent_there_is_a_token_without_roles_and_graph_refuses_it() {
    let mut cloud = Cloud::start().await;
    cloud.graph().set_consent(TENANT, APP, false).unwrap();
    assert_eq!(
        cloud.get("/users").await.status,
        200,
        "the token issued before keeps its roles"
    );
    let got = cloud.token(TENANT, &credentials(APP, SECRET)).await;
    assert!(
        claims(got.body["access_token"].as_str().unwrap())
            .get("roles")
            .is_none()
    );
    cloud.sign_in().await;
    cloud
        .get("/users")
        .await
        .refused(403, "Authorization_RequestDenied");
    cloud.graph().set_consent(TENANT, APP, true).unwrap();
    cloud
        .get("/users")
        .await
        .refused(403, "Authorization_RequestDenied");
    cloud.sign_in().await;
    assert_eq!(cloud.get("/users").await.status, 200);
}

#[tokio::test]
async fn a_registered_certificate_signs_in() {
    let cloud = Cloud::start().await;
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let public: aws_lc_rs::encoding::PublicKeyX509Der = pair.public_key().as_der().unwrap();
    let certificate = Certificate {
        key_id: Uuid::from_u128(1),
        thumbprint_sha256: "print".to_owned(),
        thumbprint_sha1: None,
        public_key: public.as_ref().to_vec(),
        starts_at: start_time(),
        ends_at: start_time() + SignedDuration::from_hours(1),
    };
    cloud.graph().add_certificate(TENANT, APP, certificate).unwrap();
    let audience = format!("{}/{TENANT}/oauth2/v2.0/token", cloud.running.login_base_url());
    let [grant, client, _, scope] = credentials(APP, SECRET);
    let kind = (
        "client_assertion_type",
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    );
    let good = assertion(&pair, &audience, "print");
    let got = cloud
        .token(TENANT, &[grant, client, scope, kind, ("client_assertion", &good)])
        .await;
    assert_eq!(got.status, 200, "{}", got.text);
    for bad in [
        assertion(&pair, "elsewhere", "print"),
        assertion(&pair, &audience, "other"),
        "no.jwt".to_owned(),
    ] {
        let got = cloud
            .token(TENANT, &[grant, client, scope, kind, ("client_assertion", &bad)])
            .await;
        refused(&got, 401, "invalid_client", 700_027);
    }
}

fn assertion(pair: &KeyPair, audience: &str, print: &str) -> String {
    let encode = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": print });
    let now = start_time().as_second();
    let claims = json!({ "aud": audience, "iss": APP, "sub": APP, "jti": "1", "nbf": now, "exp": now + 300 });
    let message = format!("{}.{}", encode(&header), encode(&claims));
    let mut signed = vec![0; pair.public_modulus_len()];
    let rng = aws_lc_rs::rand::SystemRandom::new();
    pair.sign(
        &aws_lc_rs::signature::RSA_PSS_SHA256,
        &rng,
        message.as_bytes(),
        &mut signed,
    )
    .unwrap();
    format!(
        "{message}.{}",
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signed)
    )
}

#[tokio::test]
async fn keys_roll_with_and_without_overlap() {
    let mut cloud = Cloud::start().await;
    let before = keys(&cloud, TENANT).await;
    cloud.graph().roll_keys(TENANT, true).unwrap();
    let after = keys(&cloud, TENANT).await;
    assert!(
        kids(&before).iter().all(|kid| kids(&after).contains(kid)),
        "old keys stay published"
    );
    assert_eq!(cloud.get("/users").await.status, 200);
    let token = cloud.token(TENANT, &credentials(APP, SECRET)).await.body["access_token"].clone();
    assert_ne!(
        decode_header(token.as_str().unwrap()).unwrap().kid.unwrap(),
        kids(&before)[0]
    );
    cloud.graph().roll_keys(TENANT, false).unwrap();
    let emergency = keys(&cloud, TENANT).await;
    assert!(kids(&after).iter().all(|kid| !kids(&emergency).contains(kid)));
    cloud
        .get("/users")
        .await
        .refused(401, "InvalidAuthenticationToken");
    cloud.sign_in().await;
    assert_eq!(cloud.get("/users").await.status, 200);
}

#[tokio::test]
async fn faults_reach_the_token_endpoint() {
    let cloud = Cloud::start().await;
    let path = "/*/oauth2/v2.0/token";
    cloud
        .graph()
        .add_fault(Fault::new(path, FaultKind::SignIn { code: 50196 }).times(1));
    refused(
        &cloud.token(TENANT, &credentials(APP, SECRET)).await,
        400,
        "invalid_request",
        50196,
    );
    let wait = FaultKind::Throttle {
        retry_after: Some("3".to_owned()),
    };
    cloud.graph().add_fault(Fault::new(path, wait).times(1));
    let got = cloud.token(TENANT, &credentials(APP, SECRET)).await;
    assert_eq!((got.status, got.header("retry-after")), (429, Some("3")));
    cloud
        .graph()
        .add_fault(Fault::new(path, FaultKind::Empty503).times(1));
    let got = cloud.token(TENANT, &credentials(APP, SECRET)).await;
    assert_eq!((got.status, got.text.as_str()), (503, ""));
    assert_eq!(cloud.token(TENANT, &credentials(APP, SECRET)).await.status, 200);
}

#[tokio::test]
async fn graph_wants_a_token_of_its_own_that_has_not_expired() {
    let cloud = Cloud::start().await;
    let url = format!("{}/users", cloud.running.graph_base_url());
    let bare = read(cloud.http.get(&url)).await;
    bare.refused(401, "InvalidAuthenticationToken");
    assert!(bare.header("www-authenticate").is_some());
    for wrong in ["Bearer nonsense", "Basic abc", "Bearer a.b.c"] {
        let got = read(cloud.http.get(&url).header("authorization", wrong)).await;
        got.refused(401, "InvalidAuthenticationToken");
    }
    let mut altered = cloud.bearer();
    altered.truncate(altered.len() - 6);
    let got = read(
        cloud
            .http
            .get(&url)
            .header("authorization", format!("{altered}AAAAAA")),
    )
    .await;
    got.refused(401, "InvalidAuthenticationToken");
    cloud.graph().advance(std::time::Duration::from_mins(90));
    cloud
        .get("/users")
        .await
        .refused(401, "InvalidAuthenticationToken");
}
