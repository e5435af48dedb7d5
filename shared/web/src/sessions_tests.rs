//! The life of a session, on a table of its own.

use std::time::Duration;

use http::header;
use shared::domain::ids::{ConnectionId, EntraUserId};
use shared::testing::table::TestTable;

use super::*;

const KIND: CookieKind = CookieKind::Me;

fn somebody() -> Holder {
    Holder::Person {
        connection: ConnectionId::parse("0190d2a0-0000-7000-8000-000000000001").unwrap(),
        user: EntraUserId::parse("3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c0cc").unwrap(),
    }
}

/// A browser that was sent this.
fn holding(set: &HeaderValue) -> HeaderMap {
    let text = set.to_str().unwrap().split(';').next().unwrap().to_owned();
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, text.parse().unwrap());
    headers
}

async fn start() -> (TestTable, Sessions) {
    let table = TestTable::start().await;
    let sessions = Sessions::new(table.store.clone(), table.clock.clone());
    (table, sessions)
}

#[tokio::test]
async fn a_session_is_its_holders_until_they_sign_out() {
    let (_table, sessions) = start().await;
    let set = sessions.begin(KIND, &HeaderMap::new(), somebody()).await.unwrap();
    let browser = holding(&set);
    let live = sessions.current(KIND, &browser).await.unwrap().unwrap();
    assert_eq!(live.session.holder, somebody());
    assert!(live.is_csrf_token(&live.csrf_token()));
    // case: 44
    sessions.end(KIND, &browser).await.unwrap();
    assert!(sessions.current(KIND, &browser).await.unwrap().is_none());
    assert!(
        sessions
            .current(CookieKind::Console, &browser)
            .await
            .unwrap()
            .is_none()
    );
}

// case: 43
#[tokio::test]
async fn a_session_ends_after_half_an_hour_without_a_request_and_after_eight_hours_in_any_case() {
    let (table, sessions) = start().await;
    let browser = holding(&sessions.begin(KIND, &HeaderMap::new(), somebody()).await.unwrap());
    for _ in 0..16 {
        table.clock.advance(Duration::from_mins(29));
        assert!(sessions.current(KIND, &browser).await.unwrap().is_some());
    }
    table.clock.advance(Duration::from_mins(16));
    assert!(
        sessions.current(KIND, &browser).await.unwrap().is_none(),
        "eight hours are over"
    );
    let browser = holding(&sessions.begin(KIND, &HeaderMap::new(), somebody()).await.unwrap());
    table.clock.advance(Duration::from_mins(30));
    assert!(sessions.current(KIND, &browser).await.unwrap().is_none());
}

// case: 42
#[tokio::test]
async fn what_a_browser_held_before_a_sign_in_opens_nothing_after_it() {
    let (_table, sessions) = start().await;
    let planted = holding(&sessions.begin(KIND, &HeaderMap::new(), somebody()).await.unwrap());
    let own = holding(&sessions.begin(KIND, &planted, somebody()).await.unwrap());
    assert!(sessions.current(KIND, &planted).await.unwrap().is_none());
    assert!(sessions.current(KIND, &own).await.unwrap().is_some());
}

// case: 41
#[tokio::test]
async fn keys_are_turned_once_a_month_and_the_ones_before_still_count() {
    let (table, sessions) = start().await;
    let first = sessions.keys(READ_AGAIN).await.unwrap();
    let old = first.sign(CookieKind::SignIn.name(), BrowserSecret::generate().expose());
    let browser = holding(&write_cookie(CookieKind::SignIn, old));
    table.clock.advance(Duration::from_hours(31 * 24));
    assert!(sessions.known_browser(&browser).await.unwrap().is_some());
    assert_ne!(sessions.keys(READ_AGAIN).await.unwrap(), first);
    // Another process finds the same keys.
    let elsewhere = Sessions::new(table.store.clone(), table.clock.clone());
    assert_eq!(
        elsewhere.keys(READ_AGAIN).await.unwrap(),
        sessions.keys(READ_AGAIN).await.unwrap()
    );
    table.clock.advance(Duration::from_hours(31 * 24));
    assert!(sessions.known_browser(&browser).await.unwrap().is_none());
}

#[tokio::test]
async fn a_process_learns_of_keys_that_another_one_turned() {
    let (table, here) = start().await;
    let there = Sessions::new(table.store.clone(), table.clock.clone());
    here.keys(READ_AGAIN).await.unwrap();
    table.clock.advance(Duration::from_hours(30 * 24));
    // Both read within the hour before the turn, one of them just after it.
    if let Some((_, read_at)) = here.keys.lock().await.as_mut() {
        *read_at = table.clock.now() - SignedDuration::from_mins(30);
    }
    let browser = holding(&there.begin(KIND, &HeaderMap::new(), somebody()).await.unwrap());
    assert!(here.current(KIND, &browser).await.unwrap().is_some());
}

// case: 41
#[tokio::test]
async fn an_altered_cookie_is_nobodys() {
    let (_table, sessions) = start().await;
    let set = sessions.begin(KIND, &HeaderMap::new(), somebody()).await.unwrap();
    let cookie = set.to_str().unwrap().split(';').next().unwrap().to_owned();
    for altered in [
        format!("{cookie}A"),
        cookie[..cookie.len() - 1].to_owned(),
        cookie.replacen('.', "..", 1),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, altered.parse().unwrap());
        assert!(
            sessions.current(KIND, &headers).await.unwrap().is_none(),
            "{altered}"
        );
    }
}
