//! Searches for what goes into a field of the settings, in the console.

use simulators::graph::MailboxState;

use crate::contacts::shared_account;
use crate::pages::{at, signed_in, word};
use crate::stage::{ADMIN_TOKEN, Stage, TENANT};

const FIELD: &str = "/contacts/shared/mailboxes";

/// Addresses that the page offers or has chosen, in its order.
fn boxes(page: &str, checked: bool) -> Vec<String> {
    let boxes = page.split("name=\"chosen\" value=\"").skip(1);
    boxes
        .filter(|rest| rest.split('>').next().unwrap().contains(" checked") == checked)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn many_mailboxes_are_offered_page_by_page_and_those_ticked_stay_ticked() {
    let names: Vec<String> = (0..60).map(|n| format!("Desk{n:02}")).collect();
    let accounts: Vec<_> = names.iter().map(|name| shared_account(name)).collect();
    let stage = Stage::with(&accounts, Vec::new()).await;
    for name in &names {
        stage
            .graph
            .set_mailbox_state(TENANT, stage.id(name), MailboxState::Shared)
            .unwrap();
    }
    let mut browser = signed_in(&stage, ADMIN_TOKEN).await;
    let csrf = word(&browser.open(&at(&stage, "")).await, "csrf");
    let path = at(&stage, "/pick/contacts");
    let form = [("csrf", csrf.as_str()), ("pick", FIELD), ("q", "desk")];
    let first = browser.post(&path, &form).await;
    let offered = boxes(&first.text, false);
    assert_eq!((first.status.as_u16(), offered.len()), (200, 50));
    let cursor = word(&first, "cursor");
    let ticked = format!("book/{}", offered[3]);
    let more = [
        form.as_slice(),
        &[
            ("do", "more"),
            ("cursor", &cursor),
            ("chosen", &offered[3]),
            (&ticked, "Desks"),
        ],
    ];
    let second = browser.post(&path, &more.concat()).await;
    let rest = boxes(&second.text, false);
    assert_eq!((rest.len(), word(&second, "cursor").as_str()), (10, ""));
    assert_eq!(boxes(&second.text, true), [offered[3].clone()]);
    assert!(
        second.text.contains("value=\"Desks\""),
        "the phonebook typed for it stays"
    );
    let mut all = [offered, rest].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 60);
}
