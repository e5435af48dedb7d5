//! Pages of the console over a table with what they show; whole stories are among the tests over several crates.

use std::time::Duration;

use axum::http::{HeaderMap, Method};
use serde_json::json;
use shared::domain::connection::ConnectionStatus;
use shared::domain::contact_binding::{PhonebookBinding, PhonebookStage};
use shared::domain::ids::{ConnectionId, EntraUserId};
use shared::domain::mailbox::{MailboxId, MailboxRole};
use shared::domain::phonebook::PhonebookId;
use shared::domain::role::Role;
use shared::ports::SignInProblem;
use shared::store::Holder;
use web::{CookieKind, Sessions};

use crate::harness::{ADMIN, Answer, CONNECTION, Call, NOBODY, World, connection, path};

pub const ORIGIN: &str = "https://connector.example.com";
pub const FORM: &str = "application/x-www-form-urlencoded";

/// A browser that is signed in with the token of the settings.
pub struct Visit<'w> {
    world: &'w World,
    cookie: String,
}

impl<'w> Visit<'w> {
    pub async fn begin(world: &'w World) -> Self {
        let call = Call::anonymous(Method::POST, "/console/sign-in")
            .header("origin", ORIGIN)
            .text(FORM, &format!("token={ADMIN}"));
        let answer = world.call(call).await;
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        assert!(cookie.starts_with("__Host-console="), "{}", answer.text);
        Self { world, cookie }
    }

    /// One that is signed in with Microsoft, as an admin of one connection alone.
    pub async fn of_member(world: &'w World, connection: ConnectionId) -> Self {
        let sessions = Sessions::new(world.store.clone(), world.clock.clone());
        let holder = Holder::Member {
            connection,
            tenant: crate::harness::connection().tenant,
            user: EntraUserId::parse(NOBODY).unwrap(),
            name: "Ann Archer".to_owned(),
            role: Role::Admin,
            everywhere: false,
            by_app_role: false,
        };
        let begun = sessions
            .begin(CookieKind::Console, &HeaderMap::new(), holder)
            .await;
        let cookie = begun.unwrap().to_str().unwrap().to_owned();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Self { world, cookie }
    }

    /// A page below the connection, in English.
    pub async fn page(&self, rest: &str) -> Answer {
        self.page_in("en", rest).await
    }

    pub async fn page_in(&self, language: &str, rest: &str) -> Answer {
        self.open(language, &format!("/console/connections/{CONNECTION}{rest}"))
            .await
    }

    pub async fn open(&self, language: &str, path: &str) -> Answer {
        let call = Call::anonymous(Method::GET, path)
            .header("accept-language", language)
            .header("cookie", &self.cookie);
        self.world.call(call).await
    }

    /// Sends a form of this session to a path below the connection.
    pub async fn post(&self, rest: &str, form: &str) -> Answer {
        self.post_in("en", rest, form).await
    }

    pub async fn post_in(&self, language: &str, rest: &str, form: &str) -> Answer {
        let path = format!("/console/connections/{CONNECTION}{rest}");
        self.send(language, &path, form).await
    }

    pub async fn sign_out(&self) -> Answer {
        self.send("en", "/console/sign-out", "").await
    }

    /// Sends a form of this session.
    pub async fn send(&self, language: &str, path: &str, form: &str) -> Answer {
        let page = self.open(language, "/console").await;
        let csrf = page.text.split("name=\"csrf\" value=\"").nth(1).unwrap();
        let csrf = csrf.split('"').next().unwrap();
        let call = Call::anonymous(Method::POST, path)
            .header("origin", ORIGIN)
            .header("accept-language", language)
            .header("cookie", &self.cookie)
            .text(FORM, format!("csrf={csrf}&{form}").trim_end_matches('&'));
        self.world.call(call).await
    }
}

/// The version of the settings that a page was made of.
pub fn version(page: &Answer) -> String {
    let rest = page.text.split("name=\"version\" value=\"").nth(1).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

pub async fn with_phonebooks(world: &World, count: i64) {
    let at = "2026-03-01T10:00:00Z".parse().unwrap();
    let lease = world
        .store
        .acquire_lease(connection().id, "test", at, Duration::from_mins(1))
        .await
        .unwrap()
        .unwrap();
    for n in 0..count {
        let mailbox = format!("3b1f6c0e-6f0b-4a55-9a3e-0000000{n:05}");
        let book = PhonebookBinding {
            mailbox: MailboxId::parse(&mailbox).unwrap(),
            role: if n == 0 {
                MailboxRole::Shared
            } else {
                MailboxRole::Personal
            },
            name: format!("Book {n:03} <b>"),
            stage: PhonebookStage::Bound {
                id: PhonebookId(n),
                bound_at: at,
                written_at: at,
            },
        };
        world
            .store
            .put_phonebook_binding(&lease, &book, None)
            .await
            .unwrap();
    }
}

// spec: 117, 118
#[tokio::test]
async fn phonebooks_that_need_their_visibility_are_listed_with_what_to_do_and_marked_when_done() {
    let world = World::connected().await;
    with_phonebooks(&world, 101).await;
    let visit = Visit::begin(&world).await;
    let page = visit.page("/phonebooks").await;
    for said in [
        "101 phonebooks need their visibility set",
        "Contact Visibility",
        "https://pbx.example.com",
        "Book 000 &#60;b&#62;",
        "href=\"?from=100\"",
    ] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    let rest = visit.page("/phonebooks?from=100").await;
    assert!(rest.text.contains("Book 100") && !rest.text.contains("Book 099"));
    let marked = visit.post("/phonebooks", "book=0&visible=yes").await;
    assert_eq!(marked.status.as_u16(), 302, "{}", marked.text);
    let page = visit.page("/phonebooks").await;
    assert!(page.text.contains("100 phonebooks need"), "{}", page.text);
    assert!(!page.text.contains("Book 000"), "what is done comes last");
    let chinese = visit.page_in("zh-CN", "/phonebooks").await;
    assert!(chinese.text.contains("100 个企业联系人群组需要设置可见性"));
    visit.post("/phonebooks", "book=0&visible=no").await;
    assert!(
        visit
            .page("/phonebooks")
            .await
            .text
            .contains("101 phonebooks need")
    );
    assert_eq!(
        visit.post("/phonebooks", "book=999&visible=yes").await.status,
        404
    );
    assert_eq!(visit.post("/phonebooks", "book=x&visible=yes").await.status, 404);
}

const GROUP_7: &str = "00000000-0000-0000-0000-000000000007";
const GROUP_240: &str = "00000000-0000-0000-0000-000000000240";

// spec: 53, 86, 87
#[tokio::test]
async fn groups_are_picked_from_a_search_and_what_was_typed_comes_back_with_them() {
    let world = World::connected().await;
    let visit = Visit::begin(&world).await;
    let version = version(&visit.page("").await);
    let typed = format!(
        "version={version}&pick=/users/scope/group_ids&/users/scope/kind=all&/users/number/kind=automatic\
         &/users/number/start=7000&/users/delete_grace_days=9&/users/scope/group_ids={GROUP_7}"
    );
    let opened = visit.post("/pick/users", &typed).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let ticked = format!("value=\"{GROUP_7}\" checked> <bdi>Group 007</bdi>");
    assert!(
        opened.text.contains(&ticked),
        "what is chosen has its name: {}",
        opened.text
    );
    assert!(opened.text.contains("Group 000") && opened.text.contains("value=\"more\""));
    let searched = visit
        .post(
            "/pick/users",
            &format!("{typed}&do=search&q=group+24&chosen={GROUP_7}"),
        )
        .await;
    assert!(searched.text.contains("Group 240") && !searched.text.contains("Group 000"));
    assert!(searched.text.contains(&ticked), "a search keeps what is ticked");
    let taken = visit
        .post(
            "/pick/users",
            &format!("{typed}&do=take&chosen={GROUP_7}&chosen={GROUP_240}"),
        )
        .await;
    for kept in [
        "Taken over into the form",
        "value=\"7000\"",
        "value=\"9\"",
        &format!("{GROUP_7}\n{GROUP_240}</textarea>"),
        "value=\"groups\" checked",
        "<bdi>Group 240</bdi>",
    ] {
        let kept = kept.replace(
            "Taken over into the form",
            "Taken over. Save the section to keep it.",
        );
        assert!(taken.text.contains(&kept), "{kept}: {}", taken.text);
    }
    let stored = world.store.settings(connection().id).await.unwrap().unwrap();
    assert_eq!(stored.version.0.to_string(), version, "nothing was saved");
    let back = visit.post("/pick/users", &format!("{typed}&do=back")).await;
    assert!(back.text.contains("value=\"7000\"") && !back.text.contains("Taken over"));
    assert_eq!(
        visit
            .post("/pick/safety", "pick=/safety/max_removals")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_search_that_nobody_answers_keeps_what_was_typed() {
    let world = World::connected().await;
    world.sides.script().graph_down = true;
    let visit = Visit::begin(&world).await;
    let typed = format!(
        "pick=/groups/scope/group_ids&/groups/scope/kind=groups&/groups/target=organization&/groups/scope/group_ids={GROUP_7}"
    );
    let opened = visit.post("/pick/groups", &typed).await;
    assert!(
        opened.text.contains("Microsoft could not be asked now"),
        "{}",
        opened.text
    );
    assert!(opened.text.contains(&format!("value=\"{GROUP_7}\" checked")));
    assert!(
        opened
            .text
            .contains("name=\"/groups/target\" value=\"organization\"")
    );
}

// spec: 111, 112
#[tokio::test]
async fn shared_mailboxes_are_picked_with_their_phonebooks() {
    let world = World::connected().await;
    let visit = Visit::begin(&world).await;
    let typed = "pick=/contacts/shared/mailboxes&/contacts/access=application&/contacts/default_country=cn\
                 &/contacts/personal/scope/kind=all&/contacts/shared/scope=all\
                 &/contacts/shared/mailboxes=help@contoso.example+=+Help";
    let opened = visit.post("/pick/contacts", typed).await;
    assert!(
        opened
            .text
            .contains("name=\"book/help@contoso.example\" value=\"Help\""),
        "{}",
        opened.text
    );
    assert!(
        opened
            .text
            .contains("name=\"book/sales@contoso.example\" value=\"Sales\"")
    );
    let ticked = "do=take&chosen=help@contoso.example&chosen=sales@contoso.example&book/sales@contoso.example=All+sales";
    let taken = visit.post("/pick/contacts", &format!("{typed}&{ticked}")).await;
    let lines = "help@contoso.example = Help\nsales@contoso.example = All sales</textarea>";
    assert!(taken.text.contains(lines), "{}", taken.text);
    world.sides.script().missing = vec!["MailboxSettings.Read"];
    let without = visit
        .post("/pick/contacts", "pick=/contacts/shared/mailboxes&q=Nobody")
        .await;
    assert_eq!(without.status, 200);
}

// spec: 91
#[tokio::test]
async fn saving_the_groups_starts_a_run_the_first_time_alone() {
    let world = World::connected().await;
    let visit = Visit::begin(&world).await;
    let save = async || {
        let version = version(&visit.page("").await);
        let form = format!(
            "version={version}&/groups/scope/kind=types&/groups/scope/types=security&/groups/target=extension_group"
        );
        let saved = visit.post("/settings/groups", &form).await;
        assert_eq!(saved.status, 302, "{}", saved.text);
    };
    save().await;
    assert!(world.queue.hints().is_empty(), "nothing is on yet");
    assert_eq!(visit.post("/resume/groups", "").await.status, 302);
    assert_eq!(world.queue.hints().len(), 1, "the first time it starts at once");
    save().await;
    assert_eq!(world.queue.hints().len(), 1, "later saves start nothing");
    let groups = world
        .store
        .settings(connection().id)
        .await
        .unwrap()
        .unwrap()
        .value
        .groups;
    assert!(groups.enabled && !groups.scope.types.is_empty());
}

// spec: 148
#[tokio::test]
async fn a_schedule_holds_from_the_moment_it_is_saved() {
    let world = World::connected().await;
    let visit = Visit::begin(&world).await;
    assert_eq!(visit.post("/resume/users", "").await.status, 302);
    let due = async || {
        let work = world.store.work_state(connection().id).await.unwrap().unwrap();
        work.next_scheduled_at.unwrap().to_string()
    };
    assert_eq!(due().await, "2026-03-02T00:30:00Z");
    let version = version(&visit.page("").await);
    let form = format!(
        "version={version}&/schedule/frequency=weekly&/schedule/days=saturday&/schedule/time=23:59\
         &/schedule/time_zone=Asia/Shanghai&/change_sync/max_delay_seconds=600&/change_sync/change_threshold=10"
    );
    assert_eq!(visit.post("/settings/basic", &form).await.status, 302);
    assert_eq!(due().await, "2026-03-07T15:59:00Z");
    let page = visit.page("").await;
    assert!(page.text.contains("2026-03-07 23:59 CST"), "{}", page.text);
}

// spec: 47
#[tokio::test]
async fn nothing_is_synced_before_the_connection_stands() {
    let world = World::connected().await;
    let reason = "the app registration lacks User.Read.All: grant admin consent for it in the Entra portal";
    let reason = reason.to_owned();
    world
        .set_status(ConnectionStatus::AwaitingConsent { reason })
        .await;
    let visit = Visit::begin(&world).await;
    assert_eq!(visit.post("/resume/users", "").await.status, 302);
    let refused = visit.post("/runs", "mode=full").await;
    assert_eq!(refused.status, 409);
    assert!(
        refused.text.contains("the integration is not connected"),
        "{}",
        refused.text
    );
    assert!(world.queue.hints().is_empty());
    let page = visit.page_in("zh-CN", "").await;
    assert!(
        page.text
            .contains("应用注册缺少 User.Read.All：请在 Entra 门户中授予管理员同意"),
        "{}",
        page.text
    );
}

// spec: 136, 137, 138
#[tokio::test]
async fn sign_in_has_a_switch_of_its_own_and_needs_an_address_to_send_codes_to() {
    let world = World::connected().await;
    let visit = Visit::begin(&world).await;
    let page = visit.page("").await;
    assert!(
        page.text.contains("Only synced users can sign in"),
        "{}",
        page.text
    );
    let without = visit.post("/resume/sso", "").await;
    assert_eq!(without.status, 422);
    assert!(
        without.text.contains("name at least one address"),
        "{}",
        without.text
    );
    let save = async |uris: &str| {
        let version = version(&visit.page("").await);
        visit
            .post(
                "/settings/sso",
                &format!("version={version}&/sso/redirect_uris={uris}"),
            )
            .await
    };
    let wrong = save("http://pbx.example.com/login").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("id=\"sso-redirect-uris-error\""));
    let both = "https://pbx.example.com/login%0Ahttps://192.168.1.9:8088/login";
    assert_eq!(save(both).await.status, 302);
    assert_eq!(visit.post("/resume/sso", "").await.status, 302);
    let sso = world
        .store
        .settings(connection().id)
        .await
        .unwrap()
        .unwrap()
        .value
        .sso;
    assert!(sso.enabled);
    assert_eq!(
        sso.redirect_uris,
        ["https://pbx.example.com/login", "https://192.168.1.9:8088/login"]
    );
    assert_eq!(visit.post("/pause/sso", "").await.status, 302);
    let settings = world
        .store
        .settings(connection().id)
        .await
        .unwrap()
        .unwrap()
        .value;
    assert!(!settings.sso.enabled && settings.sso.redirect_uris.len() == 2);
    world.set_status(ConnectionStatus::Disconnected).await;
    assert_eq!(
        visit.post("/resume/sso", "").await.status,
        409,
        "not without a connection"
    );
}

#[tokio::test]
async fn a_part_that_is_switched_on_names_at_once_the_permissions_it_lacks() {
    let world = World::connected().await;
    world.sides.script().missing = vec!["Presence.Read.All"];
    let visit = Visit::begin(&world).await;
    assert_eq!(visit.post("/resume/presence", "").await.status, 302);
    let page = visit.page("").await;
    assert!(
        page.text.contains("the app registration lacks Presence.Read.All"),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("Sign in with Microsoft and consent"),
        "a way to mend it"
    );
    let api = Call::post(path("/resume"), &json!({"part": "contacts"}));
    world.sides.script().missing = vec!["Contacts.Read"];
    let answer = world.call(api).await.ok(200);
    assert_eq!(answer["status"], "needs_attention");
    assert!(
        answer["status_reason"]
            .as_str()
            .unwrap()
            .contains("Contacts.Read"),
        "{answer}"
    );
    visit.post("/disable", "").await;
    visit.post("/enable", "").await;
    let page = visit.page("").await;
    assert!(
        page.text.contains("Contacts.Read"),
        "enabling asks again: {}",
        page.text
    );
}

// spec: 18
#[tokio::test]
async fn a_connection_is_made_from_the_list_of_connections() {
    let world = World::start().await;
    let visit = Visit::begin(&world).await;
    let list = visit.open("en", "/console").await;
    assert!(list.text.contains("href=\"/console/connect\""), "{}", list.text);
    let form = visit.open("en", "/console/connect").await;
    let csrf = form.text.split("name=\"csrf\" value=\"").nth(1).unwrap();
    let csrf = csrf.split('"').next().unwrap();
    let fields = "/name=Office&/tenant_id=3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c001&/client_id=3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c002\
                  &/client_secret=canary-secret&/pbx/base_url=https://branch.example.com&/pbx/client_id=id&/pbx/client_secret=canary-pbx";
    let send = async |fields: &str| {
        let call = Call::anonymous(Method::POST, "/console/connect")
            .header("origin", ORIGIN)
            .header("cookie", &visit.cookie)
            .header("accept-language", "zh-CN")
            .text(FORM, &format!("csrf={csrf}&{fields}"));
        world.call(call).await
    };
    world.sides.script().sign_in = Some(SignInProblem::WrongSecret);
    let refused = send(fields).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("Microsoft 拒绝了登录"), "{}", refused.text);
    assert!(!refused.text.contains("canary"));
    world.sides.script().sign_in = None;
    let made = send(fields).await;
    assert!(made.header("location").ends_with("/setup"), "{}", made.text);
    let list = visit.open("en", "/console").await;
    assert!(list.text.contains(">Office</a>"), "{}", list.text);
}

#[tokio::test]
async fn a_key_pair_is_made_downloaded_and_put_to_use_on_the_page_of_the_certificate() {
    let world = World::connected().await;
    let visit = Visit::begin(&world).await;
    let page = visit.page("/certificate").await;
    assert!(page.text.contains("no certificate is in use"), "{}", page.text);
    let none = visit.post("/certificate", "do=activate").await;
    assert_eq!(none.status, 404);
    assert!(none.text.contains("no certificate waits"), "{}", none.text);
    let wrong = visit.post("/certificate", "do=make&/valid_days=9000").await;
    assert!(wrong.text.contains("id=\"valid-days-error\""), "{}", wrong.text);
    let made = visit.post("/certificate", "do=make&/valid_days=365").await;
    assert!(
        made.text.contains("Waits to be put to use") && made.text.contains("2027-03-01"),
        "{}",
        made.text
    );
    assert!(!made.text.contains("PRIVATE KEY"));
    let pem = format!("/api/v1/connections/{CONNECTION}/certificate.pem");
    let file = visit.open("en", &pem).await;
    assert!(file.text.starts_with("-----BEGIN CERTIFICATE-----"));
    let used = visit.post("/certificate", "do=activate").await;
    assert!(
        used.header("location").ends_with("?done=certificate"),
        "{}",
        used.text
    );
    let page = visit.page("/certificate").await;
    assert!(page.text.contains("2027-03-01") && !page.text.contains("Waits to be put to use"));
    let broken = visit
        .post(
            "/certificate",
            "do=upload&/certificate_pem=x&/private_key_pem=canary-key",
        )
        .await;
    assert_eq!(broken.status, 422);
    assert!(!broken.text.contains("canary"), "a key is never shown again");
}
