//! The console's door: through which connection somebody signs in with Microsoft, and what a stranger is told.

use axum::http::Method;
use shared::domain::console_access::{AccessEntry, ConsoleAccess, Who};
use shared::domain::ids::{ConnectionId, EntraUserId};
use shared::domain::role::Role;

use crate::harness::{Answer, CONNECTION, Call, NOBODY, World, connection};
use crate::pages::{FORM, ORIGIN, Visit};

const BUTTON: &str = ">Sign in with Microsoft</a>";
const WHICH: &str = "open the sign-in address of your connection";

async fn let_somebody_in(world: &World, connection: ConnectionId) {
    let entry = AccessEntry {
        who: Who::Person(EntraUserId::parse(NOBODY).unwrap()),
        role: Role::Viewer,
        everywhere: false,
    };
    let access = ConsoleAccess { entries: vec![entry] };
    let read = world.store.console_access(connection).await.unwrap();
    let written = world
        .store
        .put_console_access(connection, &access, read.version)
        .await;
    written.unwrap().unwrap();
}

async fn door(world: &World, rest: &str) -> Answer {
    let call = Call::anonymous(Method::GET, format!("/console/sign-in{rest}"));
    world.call(call.header("accept-language", "en")).await
}

/// The addresses of all links, as a browser reads them.
fn links(page: &Answer) -> Vec<String> {
    let hrefs = page.text.split("href=\"").skip(1);
    hrefs
        .filter_map(|rest| rest.split('"').next())
        .map(|href| href.replace("&#38;", "&").replace("&amp;", "&"))
        .collect()
}

#[tokio::test]
async fn whoever_comes_to_the_only_connection_that_lets_anybody_in_needs_not_name_it() {
    let world = World::connected().await;
    let page = door(&world, "").await;
    assert!(
        !page.text.contains(BUTTON) && !page.text.contains(WHICH),
        "{}",
        page.text
    );
    let branch = world.another(2).await;
    let_somebody_in(&world, branch).await;
    let page = door(&world, "").await;
    assert!(page.text.contains(BUTTON), "{}", page.text);
    let microsoft = format!("/console/sign-in/microsoft?connection={branch}");
    assert!(links(&page).contains(&microsoft), "{}", page.text);
}

#[tokio::test]
async fn of_several_connections_one_has_to_be_named_and_none_is_told_to_strangers() {
    let world = World::connected().await;
    let branch = world.another(2).await;
    let_somebody_in(&world, connection().id).await;
    let_somebody_in(&world, branch).await;
    let page = door(&world, "").await;
    assert!(
        page.text.contains(WHICH) && !page.text.contains(BUTTON),
        "{}",
        page.text
    );
    for secret in ["Office", "Branch 2", CONNECTION, &branch.to_string()] {
        assert!(!page.text.contains(secret), "{secret}: {}", page.text);
    }
    let named = door(&world, &format!("?connection={branch}")).await;
    assert!(
        named.text.contains(BUTTON) && !named.text.contains(WHICH),
        "{}",
        named.text
    );
}

#[tokio::test]
async fn more_connections_than_are_looked_at_hide_none_of_those_that_let_people_in() {
    let world = World::connected().await;
    let_somebody_in(&world, connection().id).await;
    for number in 2..=51 {
        world.another(number).await;
    }
    let page = door(&world, "").await;
    assert!(
        page.text.contains(WHICH) && !page.text.contains(BUTTON),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn a_link_into_a_connection_leads_through_its_own_door_and_back() {
    let world = World::connected().await;
    let branch = world.another(2).await;
    let_somebody_in(&world, connection().id).await;
    let_somebody_in(&world, branch).await;
    let runs = format!("/console/connections/{branch}/runs");
    let sent = world.call(Call::anonymous(Method::GET, runs.clone())).await;
    let address = sent.header("location").strip_prefix("/console/sign-in").unwrap();
    let page = door(&world, address).await;
    let kept = format!("connection={branch}&return_to={}", runs.replace('/', "%2F"));
    assert!(
        links(&page).contains(&format!("/console/sign-in/microsoft?{kept}")),
        "{}",
        page.text
    );
    let chinese = format!("/console/sign-in?{kept}&lang=zh-CN");
    assert!(links(&page).contains(&chinese), "{}", page.text);
    let page = door(&world, chinese.strip_prefix("/console/sign-in").unwrap()).await;
    assert!(page.text.contains(">使用 Microsoft 登录</a>"), "{}", page.text);
    assert!(
        page.text
            .contains(&format!("name=\"return_to\" value=\"{runs}\"")),
        "{}",
        page.text
    );
    let save = Call::anonymous(
        Method::POST,
        format!("/console/connections/{branch}/settings/basic"),
    );
    let sent = world.call(save).await;
    let back = format!("/console/sign-in?return_to=/console/connections/{branch}");
    assert_eq!(sent.status, 403);
    assert!(links(&sent).contains(&back), "{}", sent.text);
}

#[tokio::test]
async fn a_wrong_token_takes_nobody_away_from_where_they_wanted_to_go() {
    let world = World::connected().await;
    let branch = world.another(2).await;
    let form = format!("token=yc_wrong&connection={branch}&return_to=/console/tokens&lang=zh-CN");
    let call = Call::anonymous(Method::POST, "/console/sign-in")
        .header("origin", ORIGIN)
        .text(FORM, &form);
    let refused = world.call(call).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("此令牌无效或已过期"), "{}", refused.text);
    let kept = format!("connection={branch}&return_to=%2Fconsole%2Ftokens");
    let microsoft = format!("/console/sign-in/microsoft?{kept}");
    assert!(links(&refused).contains(&microsoft), "{}", refused.text);
}

#[tokio::test]
async fn the_page_of_access_gives_the_address_at_which_its_people_sign_in() {
    let world = World::connected().await;
    let visit = Visit::begin(&world).await;
    let page = visit.page("/access").await;
    let address = format!("{ORIGIN}/console/sign-in?connection={CONNECTION}");
    assert!(
        page.text.contains(&format!("value=\"{address}\" readonly")),
        "{}",
        page.text
    );
    assert!(page.text.contains("data-copy=\"door\""), "{}", page.text);
}

#[tokio::test]
async fn a_member_who_signs_out_is_at_the_door_of_their_connection_again() {
    let world = World::connected().await;
    let visit = Visit::of_member(&world, connection().id).await;
    let out = visit.sign_out().await;
    assert_eq!(
        out.header("location"),
        format!("/console/sign-in?connection={CONNECTION}")
    );
}
