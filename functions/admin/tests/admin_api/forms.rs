//! What a form of the console leads to: where the page says that it was done, and what it shows when it was refused.

use crate::harness::{Answer, World};
use crate::pages::{Visit, version};

/// What stands in a section of a page, up to its end.
#[track_caller]
fn section<'a>(page: &'a Answer, id: &str) -> &'a str {
    let rest = page
        .text
        .split(&format!("<section class=\"card\" id=\"{id}\""))
        .nth(1);
    rest.and_then(|rest| rest.split("</section>").next())
        .unwrap_or_else(|| panic!("no {id}: {}", page.text))
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
