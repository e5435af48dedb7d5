//! Every way in which an id_token can be wrong, on one good token that a row bends.

use jsonwebtoken::DecodingKey;
use serde_json::{Value, json};

use super::*;
use crate::sso::test_provider::{CLIENT, NONCE, TENANT, USER, claims, entry, header, token};

const ISSUER: &str = "https://login.example.com/3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c0aa/v2.0";
const NOON: i64 = 1_772_366_400;

fn published(number: usize, issuer: Option<&str>) -> Key {
    let entry = entry("one", number);
    Key {
        key: DecodingKey::from_rsa_components(entry["n"].as_str().unwrap(), entry["e"].as_str().unwrap())
            .unwrap(),
        issuer: issuer.map(str::to_owned),
    }
}

fn judge_at(now: i64, header: &Value, claims: &Value) -> Result<Identity, TokenProblem> {
    let token = token(header, claims, 0);
    key_id(&token)?;
    let expected = Expected {
        issuer: ISSUER,
        audience: CLIENT,
        tenant: TENANT.parse().unwrap(),
        nonce: NONCE,
        now: Timestamp::from_second(now).unwrap(),
    };
    verify(&token, &published(0, None), &expected)
}

fn judge(bend: &Value) -> Result<Identity, TokenProblem> {
    judge_at(NOON, &header("one"), &bent(claims(ISSUER), bend))
}

/// A `null` takes a claim away.
fn bent(mut whole: Value, bend: &Value) -> Value {
    let map = whole.as_object_mut().unwrap();
    for (name, value) in bend.as_object().unwrap() {
        if value.is_null() {
            map.remove(name);
        } else {
            map.insert(name.clone(), value.clone());
        }
    }
    whole
}

#[test]
fn a_good_token_names_tenant_and_person() {
    let identity = judge(&json!({
        "roles": ["console.admin"], "groups": ["3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c0dd"],
    }))
    .unwrap();
    assert_eq!(identity.tenant.to_string(), TENANT);
    assert_eq!(identity.user.to_string(), USER);
    assert_eq!(identity.name, "Ann Example");
    assert!(identity.roles.contains("console.admin"));
    assert!(matches!(identity.groups, Groups::Told(groups) if groups.len() == 1));
    assert_eq!(judge(&json!({})).unwrap().groups, Groups::NotTold);
    judge(&json!({"aud": [CLIENT]})).unwrap();
}

// case: 30
#[test]
fn another_address_is_the_same_person_and_no_address_is_one() {
    let bends = [
        json!({"preferred_username": "new@contoso.example", "email": "new@contoso.example"}),
        json!({"preferred_username": null, "name": null}),
    ];
    for bend in bends {
        assert_eq!(judge(&bend).unwrap().user.to_string(), USER);
    }
}

// case: 18, 19, 20
#[test]
fn a_header_that_asks_for_another_way_to_verify_is_refused() {
    let bends = [
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"alg": "RS384"}),
        json!({"alg": "PS256"}),
        json!({"alg": "rs256"}),
        json!({"alg": 1}),
        json!({"jwk": {"kty": "RSA"}}),
        json!({"jku": "https://evil.example/keys"}),
        json!({"x5u": "https://evil.example/cert"}),
        json!({"x5c": ["MIIB"]}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"typ": "at+jwt"}),
        json!({"kid": null}),
        json!({"kid": 7}),
    ];
    for bend in bends {
        let refused = judge_at(NOON, &bent(header("one"), &bend), &claims(ISSUER));
        assert_eq!(refused, Err(TokenProblem::Header), "{bend}");
    }
}

// case: 18
#[test]
fn a_token_without_a_signature_or_with_anothers_is_refused() {
    let good = token(&header("one"), &claims(ISSUER), 0);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let other = token(&header("one"), &claims(ISSUER), 1);
    let (_, foreign) = other.rsplit_once('.').unwrap();
    let (head, last) = signature.split_at(signature.len() - 1);
    let altered = format!("{head}{}", if last == "A" { "Q" } else { "A" });
    for forged in ["", "AAAA", foreign, altered.as_str()] {
        let forged = format!("{message}.{forged}");
        let refused = signed_claims(&forged, &published(0, None));
        assert!(refused.is_err(), "{forged}");
    }
    for text in ["", "a.b", "a.b.c", "a.b.c.d", &"A".repeat(100_000), "é.é.é"] {
        assert!(key_id(text).is_err(), "{text}");
    }
}

// case: 24
#[test]
fn times_of_another_type_or_beyond_sense_are_refused() {
    for name in ["exp", "nbf", "iat"] {
        for wrong in [
            json!("1772366400"),
            json!(null),
            json!(-1),
            json!(1e30),
            json!(1.5),
            json!([NOON]),
            json!(true),
        ] {
            assert_eq!(
                judge(&json!({name: wrong})),
                Err(TokenProblem::Malformed),
                "{name} {wrong}"
            );
        }
    }
}

// case: 40
#[test]
fn a_clock_may_be_off_by_five_minutes_and_no_more() {
    let (header, claims) = (header("one"), claims(ISSUER));
    for (minutes_off, good) in [(-6, false), (-4, true), (0, true), (64, true), (66, false)] {
        let judged = judge_at(NOON + minutes_off * 60, &header, &claims);
        assert_eq!(judged.is_ok(), good, "{minutes_off}");
        if !good {
            assert_eq!(judged, Err(TokenProblem::Time), "{minutes_off}");
        }
    }
}

// case: 25, 26, 27, 33
#[test]
fn a_token_of_another_issuer_tenant_app_or_sign_in_is_refused() {
    const OTHER: &str = "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1cfff";
    let common = "https://login.example.com/common/v2.0";
    let rows = [
        (
            json!({"iss": ISSUER.replace(TENANT, OTHER)}),
            TokenProblem::Issuer,
        ),
        (json!({"iss": common}), TokenProblem::Issuer),
        (json!({"iss": format!("{ISSUER}/")}), TokenProblem::Issuer),
        (
            json!({"iss": ISSUER.replace("https", "http")}),
            TokenProblem::Issuer,
        ),
        (json!({"tid": OTHER}), TokenProblem::Tenant),
        (json!({"tid": "contoso.example"}), TokenProblem::Malformed),
        (json!({"aud": OTHER}), TokenProblem::Audience),
        (json!({"aud": [CLIENT, OTHER]}), TokenProblem::Audience),
        (json!({"aud": []}), TokenProblem::Audience),
        (json!({"nonce": "another"}), TokenProblem::Nonce),
        (json!({"nonce": ""}), TokenProblem::Nonce),
        (json!({"oid": "somebody"}), TokenProblem::Malformed),
    ];
    for (bend, problem) in rows {
        assert_eq!(judge(&bend), Err(problem), "{bend}");
    }
    for name in ["iss", "aud", "tid", "oid", "nonce", "sub"] {
        for wrong in [json!(null), json!(1), json!({})] {
            assert_eq!(
                judge(&json!({name: wrong})),
                Err(TokenProblem::Malformed),
                "{name} {wrong}"
            );
        }
    }
}

// case: 28
#[test]
fn an_access_token_is_no_id_token() {
    for bend in [
        json!({"scp": "User.Read"}),
        json!({"appid": CLIENT}),
        json!({"azp": "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1cfff"}),
    ] {
        assert_eq!(judge(&bend), Err(TokenProblem::Kind), "{bend}");
    }
}

// case: 25
#[test]
fn a_key_of_another_issuer_signs_nothing_for_this_one() {
    let token = token(&header("one"), &claims(ISSUER), 0);
    let expected = |now| Expected {
        issuer: ISSUER,
        audience: CLIENT,
        tenant: TENANT.parse().unwrap(),
        nonce: NONCE,
        now,
    };
    let now = Timestamp::from_second(NOON).unwrap();
    let any = "https://login.example.com/{tenantid}/v2.0";
    for (issuer, good) in [
        (None, true),
        (Some(ISSUER), true),
        (Some(any), true),
        (
            Some("https://login.example.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"),
            false,
        ),
    ] {
        let judged = verify(&token, &published(0, issuer), &expected(now));
        assert_eq!(judged.is_ok(), good, "{issuer:?}");
        if !good {
            assert_eq!(judged, Err(TokenProblem::KeyIssuer));
        }
    }
}
