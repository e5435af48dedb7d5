//! The page that a form belongs to: there whoever sent the form finds it again.

use std::sync::LazyLock;

use super::table;

/// Every page behind the door.
static PAGES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let pages = table().into_iter().filter(|behind| behind.method == "get");
    pages.map(|page| page.path).collect()
});
/// The page above all others.
const TOP: &str = "/console";

/// The path itself where a page has it, else the nearest above it that one has.
pub fn own_page(path: &str) -> &str {
    let mut at = path;
    while !PAGES.iter().any(|page| fits(page, at)) {
        let Some((above, _)) = at.rsplit_once('/') else {
            return TOP;
        };
        at = above;
    }
    at
}

fn fits(page: &str, path: &str) -> bool {
    let same =
        |(wanted, given): (&str, &str)| wanted == given || (wanted.starts_with('{') && !given.is_empty());
    let (page, path) = (page.split('/'), path.split('/'));
    page.clone().count() == path.clone().count() && page.zip(path).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_belongs_to_the_page_that_has_it() {
        for (form, page) in [
            ("/console/connect", "/console/connect"),
            ("/console/tokens", "/console/tokens"),
            ("/console/connections/c1/access", "/console/connections/c1/access"),
            (
                "/console/connections/c1/alerts/test",
                "/console/connections/c1/alerts",
            ),
            (
                "/console/connections/c1/settings/users",
                "/console/connections/c1",
            ),
            ("/console/connections/c1/authorize", "/console/connections/c1"),
            (
                "/console/connections/c1/pause/users",
                "/console/connections/c1/pause/users",
            ),
            (
                "/console/connections/c1/runs/r1/approve",
                "/console/connections/c1/runs/r1",
            ),
            (
                "/console/connections/c1/people/u1/presence",
                "/console/connections/c1/people/u1",
            ),
            ("/console/connections//access", "/console"),
            ("/elsewhere", "/console"),
            ("", "/console"),
        ] {
            assert_eq!(own_page(form), page, "{form}");
        }
    }
}
