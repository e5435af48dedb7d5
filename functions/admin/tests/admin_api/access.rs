//! Who may do what, over every route there is.

use admin::{Access, create_token, route_listing};
use axum::http::Method;
use secrecy::ExposeSecret as _;
use serde_json::json;
use shared::domain::role::Role;
use shared::store::ApiToken;

use crate::harness::{CONNECTION, Call, NOBODY, World, path};

fn concrete(template: &str) -> String {
    template.replace("{id}", CONNECTION).replace("{run}", NOBODY)
}

async fn token(world: &World, role: Role) -> String {
    let made = create_token(&world.store, world.clock.as_ref(), role, "test")
        .await
        .unwrap();
    made.secret.expose_secret().to_owned()
}

async fn status(world: &World, method: &str, template: &str, token: Option<&str>) -> u16 {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let mut call = Call::anonymous(method, concrete(template));
    if let Some(token) = token {
        call = call.header("authorization", &format!("Bearer {token}"));
    }
    world.call(call).await.status.as_u16()
}

// case: 51
#[tokio::test]
async fn every_route_lets_in_its_role_and_higher_ones_alone() {
    let world = World::connected().await;
    let roles = [Role::Viewer, Role::Operator, Role::Admin];
    let mut tokens = Vec::new();
    for role in roles {
        tokens.push((role, token(&world, role).await));
    }
    let routes = route_listing();
    assert!(routes.len() >= 20);
    for (method, template, access) in &routes {
        let anonymous = status(&world, method, template, None).await;
        let Access::Needs(needed) = access else {
            assert_eq!(anonymous, 200, "{method} {template}");
            continue;
        };
        assert_eq!(anonymous, 401, "{method} {template}");
        for (role, token) in &tokens {
            // No body and no such run: whoever gets past the guard is refused for these or answered.
            let status = status(&world, method, template, Some(token)).await;
            let kept_out = status == 403;
            assert_ne!(status, 401, "{method} {template} {role:?}");
            assert_eq!(kept_out, !role.allows(*needed), "{method} {template} {role:?}");
        }
    }
}

#[test]
fn viewers_read_operators_run_and_admins_change() {
    for (method, template, access) in route_listing() {
        let below_runs = template.contains("/sync-runs");
        let expected = match (method.as_str(), template.as_str()) {
            (_, "/healthz" | "/openapi.json") => Access::Public,
            (_, path) if path.ends_with("/console-access") => Access::Needs(Role::Admin),
            ("GET", _) => Access::Needs(Role::Viewer),
            ("POST", _) if below_runs => Access::Needs(Role::Operator),
            ("PUT" | "DELETE", path) if path.ends_with("/presence") => Access::Needs(Role::Operator),
            ("PUT", path) if path.ends_with("/visibility") => Access::Needs(Role::Operator),
            ("POST", path) if path.ends_with("/pause") || path.ends_with("/resume") => {
                Access::Needs(Role::Operator)
            }
            _ => Access::Needs(Role::Admin),
        };
        assert_eq!(access, expected, "{method} {template}");
    }
}

#[tokio::test]
async fn only_a_whole_live_bearer_token_is_let_in() {
    let world = World::connected().await;
    let good = token(&world, Role::Viewer).await;
    let old = ApiToken {
        role: Role::Admin,
        name: "old".to_owned(),
        created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        expires_at: Some("2026-03-01T12:00:00Z".parse().unwrap()),
    };
    let hash = admin::TokenHash::of("yc_old").hex();
    world.store.put_api_token(&hash, &old).await.unwrap();
    let refused = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer yc_old",
        &format!("Basic {good}"),
        &format!("bearer{good}"),
        &format!("Bearer {good}x"),
        &format!("Bearer {hash}"),
    ];
    for value in refused {
        let call = Call::anonymous(Method::GET, path("")).header("authorization", value);
        let answer = world.call(call).await;
        answer.refused(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let twice = Call::get(path("")).header("authorization", "Bearer wrong");
    world.call(twice).await.refused(401, "unauthorized");
    let call = Call::anonymous(Method::GET, path("")).header("authorization", &format!("bearer {good}"));
    world.call(call).await.ok(200);
}

#[tokio::test]
async fn a_token_ends_when_it_says() {
    let world = World::connected().await;
    let now: jiff::Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let token = ApiToken {
        role: Role::Viewer,
        name: "short".to_owned(),
        created_at: now,
        expires_at: Some("2026-03-01T12:00:10Z".parse().unwrap()),
    };
    let hash = admin::TokenHash::of("yc_short").hex();
    world.store.put_api_token(&hash, &token).await.unwrap();
    let call = || Call::anonymous(Method::GET, path("")).header("authorization", "Bearer yc_short");
    world.call(call()).await.ok(200);
    world.clock.advance(jiff::SignedDuration::from_secs(10));
    world.call(call()).await.refused(401, "unauthorized");
}

// case: 47
#[tokio::test]
async fn no_method_passes_for_another() {
    let world = World::connected().await;
    let approve = path(&format!("/sync-runs/{NOBODY}/approve"));
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
        let answer = world.call(Call::new(method, approve.clone())).await;
        assert_eq!(answer.status, 405);
    }
    for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let call = Call::get(path("")).header(header, "DELETE");
        world.call(call).await.refused(405, "method-not-allowed");
    }
    let query = Call::get(path("?_method=DELETE"));
    world.call(query).await.ok(200);
    world.call(Call::get(path(""))).await.ok(200);
}

// case: 53, 54
#[tokio::test]
async fn every_answer_is_private_and_tells_nothing_of_the_inside() {
    let world = World::connected().await;
    let calls = [
        (Call::get("/healthz"), 200),
        (Call::get("/api/v1/connections"), 200),
        (Call::anonymous(Method::GET, "/api/v1/connections"), 401),
        (Call::get("/api/v1/nothing"), 404),
        (Call::get("/.env"), 404),
        (Call::post("/healthz", &json!({})), 405),
    ];
    for (call, status) in calls {
        let answer = world.call(call).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(
            answer
                .header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
        assert_eq!(answer.header("server"), "");
        if status >= 400 {
            assert_eq!(answer.header("content-type"), "application/problem+json");
            for inside in ["arn:", "panicked", "src/", "connector.", "axum"] {
                assert!(!answer.text.contains(inside), "{}", answer.text);
            }
        }
    }
}
