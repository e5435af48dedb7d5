//! Names of the directory that are markup and script: text wherever the console shows them.

use http::header;
use serde_json::json;
use shared::domain::sync_run::RunMode;

use crate::browser::Got;
use crate::contacts::{SALES, card, choose, scene};
use crate::pages::{at, signed_in, word};
use crate::stage::{ADMIN_TOKEN, Stage, TENANT};

const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>";

/// A person, a group, a contact and a mailbox with this name, all of them synced as far as the PBX takes such a name.
async fn hostile() -> Stage {
    let stage = scene().await;
    let change = json!({"displayName": HOSTILE, "jobTitle": "\"><svg onload=alert(3)>"});
    stage.edit("Ada Example", &change);
    let group =
        json!({"displayName": HOSTILE, "groupTypes": [], "mailEnabled": false, "securityEnabled": true});
    let group = stage.graph.create_group(TENANT, &group).unwrap();
    stage
        .graph
        .add_member(TENANT, group, stage.id("Bo Example"))
        .unwrap();
    let card = card(HOSTILE, "030 1234569");
    stage
        .graph
        .create_contact(TENANT, stage.id("Sales"), (None, &card))
        .unwrap();
    stage.edit("Sales", &json!({"displayName": format!("Sales {HOSTILE}")}));
    stage
        .settings(|settings| {
            choose(settings, &[(SALES, "Sales")]);
            settings.groups.enabled = true;
        })
        .await;
    stage
}

fn is_harmless(page: &Got, path: &str) {
    assert_eq!(page.status, 200, "{path}");
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    for live in ["<script>a", "<img", "<svg", "\"><script"] {
        assert!(!page.text.contains(live), "{path} has {live}");
    }
}

// case: 48
#[tokio::test]
async fn hostile_names_are_text_on_every_page() {
    let stage = hostile().await;
    let run = stage.sync(RunMode::Full).await;
    let mut browser = signed_in(&stage, ADMIN_TOKEN).await;
    let person = stage.id(HOSTILE);
    let with_names = [
        at(&stage, &format!("/runs/{}", run.id)),
        at(&stage, "/people"),
        at(&stage, &format!("/people/{person}")),
        at(&stage, "/contacts"),
        at(&stage, "/history"),
    ];
    for path in &with_names {
        let page = browser.open(path).await;
        is_harmless(&page, path);
        assert!(
            page.text.contains("&#60;script") || page.text.contains("&lt;script"),
            "{path}"
        );
    }
    let others = [
        "/console".to_owned(),
        at(&stage, ""),
        at(&stage, "/setup"),
        at(&stage, "/runs"),
        at(&stage, &format!("/runs/{}/progress", run.id)),
        at(&stage, "/people?q=%22%3E%3Cscript%3E"),
        at(&stage, "/history?object=%22%3E%3Cscript%3E"),
        at(&stage, "/health"),
        at(&stage, "/alerts"),
        at(&stage, "/groups"),
        at(&stage, "/phonebooks"),
        at(&stage, "/certificate"),
    ];
    for path in &others {
        is_harmless(&browser.open(path).await, path);
    }
}

// case: 48
#[tokio::test]
async fn hostile_names_are_text_in_a_search_and_where_they_were_chosen() {
    let stage = hostile().await;
    let mut browser = signed_in(&stage, ADMIN_TOKEN).await;
    let csrf = word(&browser.open(&at(&stage, "")).await, "csrf");
    let group = stage.graph.group_ids(TENANT).unwrap()[0].to_string();
    for (section, pointer, chosen) in [
        ("groups", "/groups/scope/group_ids", group.as_str()),
        ("contacts", "/contacts/shared/mailboxes", SALES),
    ] {
        let path = at(&stage, &format!("/pick/{section}"));
        let form = [("csrf", csrf.as_str()), ("pick", pointer), ("q", "")];
        let found = browser.post(&path, &form).await;
        is_harmless(&found, &path);
        assert!(
            found.text.contains("&#60;script") || found.text.contains("&lt;script"),
            "{path}: {}",
            found.text
        );
        let take = [form.as_slice(), &[("do", "take"), ("chosen", chosen)]].concat();
        is_harmless(&browser.post(&path, &take).await, &path);
    }
}
