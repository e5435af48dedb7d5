//! How sign-ins ended, in numbers, each once.

use std::collections::BTreeMap;

use shared::metrics::SIGN_INS;
use shared::testing::logs::{Logs, metrics_of};
use simulators::graph::{Fault, FaultKind};

use crate::browser::{Browser, with};
use crate::sign_in::{application, code_for, scene};
use crate::stage::TENANT;

/// Sums over all lines.
fn counted(logs: &Logs) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    let lines = logs.lines().into_iter();
    for line in lines.filter(|line| line["target"] == SIGN_INS.target) {
        for (name, value) in metrics_of(&SIGN_INS, &line) {
            *sums.entry(name).or_default() += value;
        }
    }
    sums
}

fn sums(of: &[(&str, f64)]) -> BTreeMap<String, f64> {
    of.iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect()
}

#[tokio::test]
async fn every_sign_in_is_counted_once_by_how_it_ended() {
    let stage = scene().await;
    let logs = Logs::of_function("stack-sso-exchange");
    let mut browser = Browser::new(&stage.functions());
    let app = application(&stage);
    let code = code_for(&stage, &mut browser, &app, stage.id("Ann Archer"))
        .await
        .unwrap();
    app.exchange(&mut browser, &code).await;
    assert_eq!(counted(&logs), sums(&[("signed_in", 1.0)]));

    let stranger = stage
        .graph
        .create_user(TENANT, &crate::stage::person("Cy Stranger"))
        .unwrap();
    code_for(&stage, &mut browser, &application(&stage), stranger)
        .await
        .unwrap_err();
    assert_eq!(counted(&logs), sums(&[("refused", 1.0), ("signed_in", 1.0)]));

    let microsoft = browser.open(&application(&stage).login).await.location();
    let back = stage.graph.approve(&microsoft, stage.id("Ann Archer")).unwrap();
    browser.open(&with(&back, "state", "made-up")).await;
    let unfinished = [("refused", 1.0), ("signed_in", 1.0), ("unfinished", 1.0)];
    assert_eq!(counted(&logs), sums(&unfinished));

    let microsoft = browser.open(&application(&stage).login).await.location();
    let back = stage.graph.approve(&microsoft, stage.id("Ann Archer")).unwrap();
    let fault = Fault::new("*/oauth2/v2.0/token", FaultKind::SignIn { code: 7_000_222 });
    stage.graph.add_fault(fault);
    browser.open(&back).await;
    let all = [
        ("failed", 1.0),
        ("refused", 1.0),
        ("signed_in", 1.0),
        ("unfinished", 1.0),
    ];
    assert_eq!(counted(&logs), sums(&all));
}
