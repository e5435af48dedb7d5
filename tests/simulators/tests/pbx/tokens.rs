//! Signing in, refreshing, revoking, and being locked out.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde_json::{Value, json};
use simulators::pbx::KeyPair;

use crate::support::*;

fn text(answer: &Value, key: &str) -> String {
    answer[key].as_str().unwrap().to_owned()
}

async fn code_with(world: &mut World, token: &str) -> i64 {
    token.clone_into(&mut world.token);
    errcode(&world.get("system/capacity", &[]).await)
}

#[tokio::test]
async fn a_pair_is_two_texts_of_32_with_their_lives_in_seconds() {
    let world = bare(config()).await;
    let pair = world
        .get_token("simulated-client-id", "simulated-client-secret")
        .await;
    for key in ["access_token", "refresh_token"] {
        let token = text(&pair, key);
        assert!(
            token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{token}"
        );
    }
    assert_eq!(pair["access_token_expire_time"], 1_800);
    assert_eq!(pair["refresh_token_expire_time"], 86_400);
}

#[tokio::test]
async fn missing_unknown_expired_and_revoked_tokens_are_all_the_same() {
    let mut world = bare(config()).await;
    assert_eq!(errcode(&world.get("system/capacity", &[]).await), 10_004);
    assert_eq!(code_with(&mut world, "nonsense").await, 10_004);
    let token = world.sign_in().await;
    assert_eq!(code_with(&mut world, &token).await, 0);
    world.pbx().clock().advance(Duration::from_secs(1_799));
    assert_eq!(code_with(&mut world, &token).await, 0);
    world.pbx().clock().advance(Duration::from_secs(1));
    assert_eq!(code_with(&mut world, &token).await, 10_004);
    world.token = world.sign_in().await;
    assert_eq!(errcode(&world.get("del_token", &[]).await), 0);
    assert_eq!(errcode(&world.get("system/capacity", &[]).await), 10_004);
}

#[tokio::test]
async fn the_ninth_token_is_refused_until_one_is_given_back_or_expires() {
    let mut world = bare(config()).await;
    for _ in 0..8 {
        world.token = world.sign_in().await;
    }
    let sign_in = async |world: &World| {
        errcode(
            &world
                .get_token("simulated-client-id", "simulated-client-secret")
                .await,
        )
    };
    assert_eq!(sign_in(&world).await, 60_002);
    world.get("del_token", &[]).await;
    assert_eq!(sign_in(&world).await, 0);
    assert_eq!(sign_in(&world).await, 60_002);
    world.pbx().clock().advance(Duration::from_mins(30));
    assert_eq!(sign_in(&world).await, 0);
}

#[tokio::test]
async fn refreshing_rotates_the_pair_without_using_a_slot() {
    let mut world = bare(config()).await;
    let mut pair = world
        .get_token("simulated-client-id", "simulated-client-secret")
        .await;
    for _ in 0..7 {
        world.sign_in().await;
    }
    for _ in 0..3 {
        let body = json!({ "refresh_token": pair["refresh_token"] });
        let next = world.post_bare("refresh_token", &body).await;
        assert_eq!(errcode(&next), 0);
        assert_eq!(code_with(&mut world, &text(&next, "access_token")).await, 0);
        assert_eq!(code_with(&mut world, &text(&pair, "access_token")).await, 10_004);
        assert_eq!(errcode(&world.post_bare("refresh_token", &body).await), 10_004);
        pair = next;
    }
}

#[tokio::test]
async fn a_refresh_token_lives_a_day() {
    let world = bare(config()).await;
    let pair = world
        .get_token("simulated-client-id", "simulated-client-secret")
        .await;
    world.pbx().clock().advance(Duration::from_hours(24));
    let body = json!({ "refresh_token": pair["refresh_token"] });
    assert_eq!(errcode(&world.post_bare("refresh_token", &body).await), 10_004);
}

#[tokio::test]
async fn five_wrong_secrets_block_the_address_until_an_admin_helps() {
    let world = world(config()).await;
    for _ in 0..5 {
        assert_eq!(
            errcode(&world.get_token("simulated-client-id", "guess").await),
            40_002
        );
    }
    assert_eq!(
        errcode(
            &world
                .get_token("simulated-client-id", "simulated-client-secret")
                .await
        ),
        70_004
    );
    assert_eq!(errcode(&world.get("system/capacity", &[]).await), 70_004);
    world.pbx().clock().advance(Duration::from_mins(10));
    assert_eq!(errcode(&world.get("system/capacity", &[]).await), 70_004);
    let (status, _) = world.sim(reqwest::Method::POST, "/unblock", &json!({})).await;
    assert_eq!(status, 204);
    assert_eq!(errcode(&world.get("system/capacity", &[]).await), 0);
}

#[tokio::test]
async fn the_allow_list_counts_already_when_signing_in_and_per_application() {
    let world = world(config()).await;
    let elsewhere = IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3));
    world
        .pbx()
        .change_settings(|settings| settings.allow_list = Some([elsewhere].into()));
    assert_eq!(
        errcode(
            &world
                .get_token("simulated-client-id", "simulated-client-secret")
                .await
        ),
        70_087
    );
    assert_eq!(errcode(&world.get("system/capacity", &[]).await), 70_087);
    assert_eq!(
        errcode(
            &world
                .get_token("simulated-access-id", "simulated-access-key")
                .await
        ),
        0
    );
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    world
        .pbx()
        .change_settings(|settings| settings.allow_list = Some([elsewhere, here].into()));
    assert_eq!(errcode(&world.get("system/capacity", &[]).await), 0);
}

#[tokio::test]
async fn an_api_that_is_off_answers_nothing_else() {
    let world = world(config()).await;
    world
        .pbx()
        .change_settings(|settings| settings.api_enabled = false);
    assert_eq!(
        errcode(
            &world
                .get_token("simulated-client-id", "simulated-client-secret")
                .await
        ),
        70_123
    );
    assert_eq!(errcode(&world.get("nothing/here", &[]).await), 70_123);
}

#[tokio::test]
async fn a_regenerated_secret_ends_old_tokens() {
    let world = world(config()).await;
    world
        .pbx()
        .set_api_credentials(KeyPair::new("simulated-client-id", "fresh-secret"));
    assert_eq!(errcode(&world.get("system/capacity", &[]).await), 10_004);
    assert_eq!(
        errcode(
            &world
                .get_token("simulated-client-id", "simulated-client-secret")
                .await
        ),
        40_002
    );
    assert_eq!(
        errcode(&world.get_token("simulated-client-id", "fresh-secret").await),
        0
    );
}

#[tokio::test]
async fn the_same_seed_gives_the_same_people_and_tokens() {
    let (one, two) = (world(config()).await, world(config()).await);
    assert_eq!(one.token, two.token);
    let names = |world: &World| {
        let all = world.pbx().extensions();
        all.into_iter()
            .map(|row| (row.number.clone(), row.display_name(), row.email_addr))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&one), names(&two));
    assert_eq!(names(&one).len(), 3);
}
