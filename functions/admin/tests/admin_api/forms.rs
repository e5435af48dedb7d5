//! What a form of the console leads to: where the page says that it was done, and what it shows when it was refused.

use axum::http::Method;
use jiff::SignedDuration;
use shared::ports::Clock as _;

use crate::harness::{Answer, CONNECTION, Call, World, connection};
use crate::pages::{Visit, version, with_phonebooks};

const GUID: &str = "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c001";

/// What stands in a section of a page, up to its end.
#[track_caller]
fn section<'a>(page: &'a Answer, id: &str) -> &'a str {
    let begin = format!("<section class=\"card\" id=\"{id}\"");
    let rest = page.text.split(&begin).nth(1).unwrap();
    rest.split("</section>").next().unwrap()
}

/// The page that a form led to, as a browser opens it.
async fn led_to(visit: &Visit<'_>, done: &Answer) -> Answer {
    assert_eq!(done.status, 302, "{}", done.text);
    let (page, _) = done.header("location").split_once('#').unwrap();
    visit.open("en", page).await
}

#[tokio::test]
async fn what_was_done_is_said_where_it_was_done() {
    const NOTE: &str = "<div class=\"note good\" id=\"note\" tabindex=\"-1\" role=\"status\">";
    let world = World::connected().await;
    let visit = Visit::begin(&world).await;
    let version = version(&visit.page("").await);
    let form = format!("version={version}&/safety/max_removals=3&/safety/max_removals_percent=7");
    let saved = visit.post("/settings/safety", &form).await;
    assert!(saved.header("location").ends_with("#note"));
    let page = led_to(&visit, &saved).await;
    let safety = section(&page, "safety");
    assert!(safety.contains(NOTE) && safety.contains("Saved."), "{safety}");
    assert_eq!(page.text.matches("id=\"note\"").count(), 1);
    let resumed = visit.post("/resume/users", "").await;
    let page = led_to(&visit, &resumed).await;
    assert!(section(&page, "users").contains("Switched on."));
    let forged = visit.page("?done=saved&in=nowhere").await;
    let (top, _) = forged.text.split_once("<section").unwrap();
    assert!(
        top.contains(NOTE),
        "said at the top where the section is not known"
    );
}

#[tokio::test]
async fn the_first_steps_say_what_was_saved_and_what_must_be_mended() {
    let world = World::connected().await;
    let visit = Visit::begin(&world).await;
    let save = async |start: &str, days: &str| {
        let version = version(&visit.page("/setup").await);
        let form = format!(
            "version={version}&next=setup&/users/scope/kind=all&/users/number/kind=automatic\
             &/users/number/start={start}&/users/delete_grace_days={days}&/users/delete_when=deleted"
        );
        visit.post("/settings/users", &form).await
    };
    let refused = save("70x", "4").await;
    assert_eq!(refused.status, 422);
    for kept in [
        "aria-current=\"step\"",
        "name=\"next\" value=\"setup\"",
        "id=\"users-number-start-error\"",
        "value=\"70x\"",
        "value=\"4\"",
        "Nothing was saved.",
    ] {
        assert!(refused.text.contains(kept), "{kept}: {}", refused.text);
    }
    let saved = save("7000", "4").await;
    assert!(saved.header("location").contains("/setup?done=saved"));
    let page = led_to(&visit, &saved).await;
    assert!(page.text.contains("<p>Saved.</p>"), "{}", page.text);
}

#[tokio::test]
async fn a_refused_entry_keeps_what_was_typed_and_lets_nobody_in() {
    let world = World::connected().await;
    let visit = Visit::begin(&world).await;
    let path = format!("/console/connections/{CONNECTION}/access");
    let version = version(&visit.page("/access").await);
    let entry = |value: &str| {
        format!(
            "version={version}&/access/kind=group&/access/value={value}&/access/role=admin&/access/everywhere=on"
        )
    };
    let refused = visit.send("en", &path, &entry("phones@contoso.example")).await;
    assert_eq!(refused.status, 422);
    for kept in [
        "value=\"phones@contoso.example\"",
        "<option value=\"group\" selected>",
        "<option value=\"admin\" selected>",
        "name=\"/access/everywhere\" value=\"on\" checked",
        "id=\"access-value-error\">an object id (a GUID) expected",
        "Object ID, or value of the app role: an object id (a GUID) expected",
    ] {
        assert!(refused.text.contains(kept), "{kept}: {}", refused.text);
    }
    let chinese = visit.send("zh-CN", &path, &entry("x")).await;
    assert!(
        chinese
            .text
            .contains("对象 ID，或应用角色的值: 应为对象 ID（GUID）"),
        "{}",
        chinese.text
    );
    let id = connection().id;
    assert!(
        world
            .store
            .console_access(id)
            .await
            .unwrap()
            .value
            .entries
            .is_empty()
    );
    let let_in = visit.send("en", &path, &entry(GUID)).await;
    assert!(let_in.header("location").ends_with("/access?done=let-in"));
    let page = visit.page("/access?done=let-in").await;
    assert!(page.text.contains("Let in. It holds from the next sign-in."));
    assert!(page.text.contains("for yourself as well"), "what Remove does");
    let again = visit.send("en", &path, &entry(GUID)).await;
    assert_eq!(again.status, 412, "the list was saved since");
    assert!(again.text.contains(&format!("value=\"{GUID}\"")));
    assert!(again.text.contains("<option value=\"admin\" selected>"));
}

#[tokio::test]
async fn a_refused_token_keeps_its_role() {
    let world = World::connected().await;
    let visit = Visit::begin(&world).await;
    let refused = visit
        .send("zh-CN", "/console/tokens", "/token/name=+&/token/role=operator")
        .await;
    assert_eq!(refused.status, 422);
    for kept in [
        "<option value=\"operator\" selected>",
        "id=\"token-name-error\">请填写 1 至 100 个字符的名称",
    ] {
        assert!(refused.text.contains(kept), "{kept}: {}", refused.text);
    }
    assert!(world.store.api_tokens().await.unwrap().is_empty());
    let made = visit
        .send(
            "en",
            "/console/tokens",
            "/token/name=Night+shift&/token/role=operator",
        )
        .await;
    assert_eq!(made.status, 201);
    let (hash, _) = world.store.api_tokens().await.unwrap().remove(0);
    let ended = visit.send("en", "/console/tokens", &format!("end={hash}")).await;
    let page = visit.open("en", ended.header("location")).await;
    assert!(page.text.contains("The token has ended."), "{}", page.text);
}

#[tokio::test]
async fn half_of_the_credentials_of_the_linkus_sdk_is_refused_where_it_is_seen() {
    let world = World::start().await;
    let visit = Visit::begin(&world).await;
    let folded = visit.open("en", "/console/connect").await;
    assert!(folded.text.contains("<details><summary>"));
    let fields = format!(
        "/name=Office&/tenant_id={GUID}&/client_id={GUID}&/client_secret=canary-secret\
         &/pbx/base_url=https://branch.example.com&/pbx/client_id=id&/pbx/client_secret=canary-pbx"
    );
    for (half, error, label) in [
        (
            "/pbx/linkus_sdk/access_id=sdk-id",
            "id=\"pbx-linkus-sdk-access-key-error\"",
            "<p>AccessKey of the Linkus SDK: must be",
        ),
        (
            "/pbx/linkus_sdk/access_key=canary-key",
            "id=\"pbx-linkus-sdk-access-id-error\"",
            "<p>AccessID of the Linkus SDK: must be",
        ),
    ] {
        let refused = visit
            .send("en", "/console/connect", &format!("{fields}&{half}"))
            .await;
        assert_eq!(refused.status, 422, "{half}");
        for said in ["<details open>", error, label] {
            assert!(refused.text.contains(said), "{said}: {}", refused.text);
        }
        assert!(!refused.text.contains("canary"));
    }
}

#[tokio::test]
async fn a_form_that_outlived_its_session_leads_back_to_its_own_page() {
    let world = World::connected().await;
    for (form, page) in [
        ("/console/connect".to_owned(), "/console/connect".to_owned()),
        (
            format!("/console/connections/{CONNECTION}/settings/users"),
            format!("/console/connections/{CONNECTION}"),
        ),
        (
            format!("/console/connections/{CONNECTION}/access"),
            format!("/console/connections/{CONNECTION}/access"),
        ),
    ] {
        let call = Call::anonymous(Method::POST, &form)
            .header("accept-language", "en")
            .text("application/x-www-form-urlencoded", "csrf=x&/name=canary");
        let answer = world.call(call).await;
        assert_eq!(answer.status, 403, "{form}");
        let door = format!("href=\"/console/sign-in?return_to={page}\"");
        for said in ["Your session has ended", "what you typed is not kept", &door] {
            assert!(answer.text.contains(said), "{said}: {}", answer.text);
        }
        assert!(!answer.text.contains("canary"));
    }
}

#[tokio::test]
async fn a_good_run_is_missed_a_week_after_runs_were_expected_and_not_before() {
    const MISSED: &str = "No good run for a week";
    let world = World::connected().await;
    let store = &world.store;
    let id = connection().id;
    let mut stored = store.connection(id).await.unwrap().unwrap();
    stored.value.created_at = world.clock.now();
    store.save_connection(&stored).await.unwrap();
    let mut settings = store.settings(id).await.unwrap().unwrap();
    settings.value.users.enabled = true;
    let put = store.put_settings(id, &settings.value, settings.version);
    put.await.unwrap().unwrap();
    let fleet = async || Visit::begin(&world).await.open("en", "/console").await.text;
    assert!(!fleet().await.contains(MISSED), "it was made just now");
    world.clock.advance(SignedDuration::from_hours(8 * 24));
    assert!(!fleet().await.contains(MISSED));
    world.clock.advance(SignedDuration::from_hours(1));
    assert!(fleet().await.contains(MISSED));
    let visit = Visit::begin(&world).await;
    for turn in ["/pause/users", "/resume/users"] {
        assert_eq!(visit.post(turn, "").await.status, 302);
        world.attend_to_alerts().await;
    }
    assert!(!fleet().await.contains(MISSED), "it was switched on just now");
    world.clock.advance(SignedDuration::from_hours(8 * 24 + 1));
    assert!(fleet().await.contains(MISSED));
}

// spec: 116
#[tokio::test]
async fn phonebooks_are_listed_with_the_number_of_their_contacts() {
    let world = World::connected().await;
    with_phonebooks(&world, 6).await;
    let visit = Visit::begin(&world).await;
    let page = visit.page("/phonebooks").await;
    let size = |book: &str| {
        let row = page.text.split(book).nth(1).unwrap();
        let cell = row.split("<td class=\"n\">").nth(1).unwrap();
        cell.split('<').next().unwrap().to_owned()
    };
    assert!(page.text.contains("<th scope=\"col\" class=\"n\">Contacts</th>"));
    assert_eq!(
        (size("Book 004"), size("Book 003")),
        ("3".to_owned(), "–".to_owned())
    );
    assert!(!page.text.contains("could not be asked"));
    world.sides.script().pbx_down = true;
    let page = visit.page("/phonebooks").await;
    assert_eq!(page.status, 200, "the page is shown without");
    assert!(
        page.text.contains("The PBX could not be asked now"),
        "{}",
        page.text
    );
}

// spec: 92
#[tokio::test]
async fn groups_that_become_departments_are_called_so() {
    let world = World::connected().await;
    let visit = Visit::begin(&world).await;
    for (target, said) in [
        (
            "extension_group",
            "successfully synced to the PBX&#39;s extension groups",
        ),
        ("organization", "successfully synced to the PBX&#39;s departments"),
    ] {
        let version = version(&visit.page("").await);
        let form = format!("version={version}&/groups/scope/kind=all&/groups/target={target}");
        assert_eq!(visit.post("/settings/groups", &form).await.status, 302);
        let page = visit.page("").await;
        assert!(section(&page, "groups").contains(said), "{}", page.text);
    }
}

#[tokio::test]
async fn a_time_of_office_hours_that_was_emptied_stays_empty_beside_its_error() {
    let world = World::connected().await;
    let visit = Visit::begin(&world).await;
    let page = visit.page("").await;
    let from = |value: &str| format!("name=\"/presence/office_hours/from\" value=\"{value}\"");
    assert!(page.text.contains(&from("08:00")), "the usual time");
    let mapping: String = [
        "available",
        "busy",
        "do_not_disturb",
        "be_right_back",
        "away",
        "offline",
    ]
    .map(|status| format!("&/presence/mapping/{status}=away"))
    .concat();
    let form = format!(
        "version={}&/presence/users_default=on{mapping}&/presence/office_hours=on\
         &/presence/office_hours/days=monday&/presence/office_hours/from=&/presence/office_hours/to=17:00",
        version(&page)
    );
    let refused = visit.post("/settings/presence", &form).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains(&from("")), "{}", refused.text);
    assert!(refused.text.contains("id=\"presence-office-hours-from-error\""));
}
