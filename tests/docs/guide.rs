//! The guides: complete, the same in both languages, with pictures and links that are there, and true to the code where the
//! code can tell.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use shared::domain::permissions::{application, delegated};
use shared::domain::settings::{ConnectionSettings, ContactAccess};

use crate::markdown::{anchors, headings, links, pictures, rows, section};
use crate::repository::{names, root, text};

const LANGUAGES: [&str; 2] = ["en", "zh-CN"];
/// GitHub shows a page without delay, and a checkout stays small.
const LARGEST_PICTURE: u64 = 80 * 1024;
const ALL_PICTURES: u64 = 2_500 * 1024;

/// What has to be told, each on a page of its own: six topics of set-up, six of management.
const TOPICS: [(&str, &str); 12] = [
    ("connect", "connect.md"),
    ("users", "users.md"),
    ("groups", "groups.md"),
    ("contacts", "contacts.md"),
    ("presence", "presence.md"),
    ("sign-in to Linkus", "sign-in.md"),
    ("schedule", "schedule.md"),
    ("manual sync", "manual-sync.md"),
    ("client secret", "client-secret.md"),
    ("pause", "pause.md"),
    ("disable", "disable.md"),
    ("disconnect", "disconnect.md"),
];

/// The page `name` in each language.
pub fn pages(name: &str) -> [String; 2] {
    LANGUAGES.map(|language| text(&format!("docs/guide/{language}/{name}")))
}

// spec: 10
#[test]
fn each_topic_has_a_page_of_steps_and_the_index_leads_to_it() {
    for (topic, page) in TOPICS {
        for (of_language, index) in pages(page).iter().zip(pages("README.md")) {
            assert!(numbered(of_language) >= 3, "{page} tells no steps for {topic}");
            assert!(links(&index).contains(&page), "the index has no link to {page}");
        }
    }
}

fn numbered(page: &str) -> usize {
    page.lines()
        .filter_map(|line| line.trim_start().split_once(". "))
        .filter(|(number, _)| number.parse::<u8>().is_ok())
        .count()
}

#[test]
fn every_page_is_there_in_both_languages_in_the_same_shape() {
    let [english, chinese] = LANGUAGES.map(|language| names(&format!("docs/guide/{language}")));
    assert_eq!(english, chinese, "the languages have different pages");
    for page in english {
        let [english, chinese] = pages(&page);
        assert_eq!(levels(&english), levels(&chinese), "headings of {page}");
        assert_eq!(numbered(&english), numbered(&chinese), "steps of {page}");
        assert_eq!(rows(&english).len(), rows(&chinese).len(), "table rows of {page}");
        let names =
            |text: &str| -> Vec<String> { pictures(text).into_iter().filter_map(file_name).collect() };
        assert_eq!(names(&english), names(&chinese), "pictures of {page}");
    }
}

fn levels(page: &str) -> Vec<usize> {
    headings(page).into_iter().map(|(level, _)| level).collect()
}

fn file_name(path: &str) -> Option<String> {
    path.rsplit('/').next().map(str::to_owned)
}

#[test]
fn every_page_of_the_guide_is_in_the_index() {
    for (language, index) in LANGUAGES.iter().zip(pages("README.md")) {
        for page in names(&format!("docs/guide/{language}")) {
            let listed = page == "README.md" || links(&index).contains(&page.as_str());
            assert!(listed, "docs/guide/{language}/README.md has no link to {page}");
        }
    }
    let readme = text("README.md");
    for language in LANGUAGES {
        let index = format!("docs/guide/{language}/README.md");
        assert!(
            links(&readme).contains(&index.as_str()),
            "README.md has no link to {index}"
        );
    }
}

#[test]
fn each_picture_is_used_in_its_own_language_and_is_small() {
    let mut total = 0;
    for language in LANGUAGES {
        let mut used = BTreeSet::new();
        for page in names(&format!("docs/guide/{language}")) {
            for picture in pictures(&text(&format!("docs/guide/{language}/{page}"))) {
                let own = format!("../images/{language}/");
                let name = picture.strip_prefix(&own);
                let name = name.unwrap_or_else(|| panic!("{language}/{page} shows {picture}"));
                used.insert(name.to_owned());
            }
        }
        let folder = format!("docs/guide/images/{language}");
        assert_eq!(
            used,
            names(&folder),
            "pictures that pages show (left), and that are there (right)"
        );
        for name in used {
            let size = fs::metadata(root().join(&folder).join(&name)).unwrap().len();
            assert!(size < LARGEST_PICTURE, "{folder}/{name} has {size} bytes");
            total += size;
        }
    }
    assert!(total < ALL_PICTURES, "the pictures have {total} bytes in all");
}

#[test]
fn links_into_pages_lead_to_headings() {
    for language in LANGUAGES {
        let folder = root().join("docs/guide").join(language);
        for page in names(&format!("docs/guide/{language}")) {
            let here = fs::read_to_string(folder.join(&page)).unwrap();
            for (file, anchor) in links(&here).into_iter().filter_map(|link| link.split_once('#')) {
                let target = if file.is_empty() { page.as_str() } else { file };
                let target = fs::read_to_string(folder.join(target)).unwrap();
                assert!(
                    anchors(&target).contains(anchor),
                    "docs/guide/{language}/{page} links to {file}#{anchor}, a heading that is not there"
                );
            }
        }
    }
}

/// What is needed, on one line.
fn needed(page: &str) -> [String; 2] {
    let [english, chinese] = pages(page);
    [
        section(&english, "## What you need"),
        section(&chinese, "## 准备"),
    ]
    .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn each_has(texts: &[String; 2], words: &[&str]) {
    for (text, language) in texts.iter().zip(LANGUAGES) {
        for word in words {
            assert!(text.contains(word), "{language} does not say {word}");
        }
    }
}

// spec: 11, 14
#[test]
fn a_tenant_of_any_edition_is_presupposed() {
    let needed = needed("connect.md");
    each_has(&needed, &["Entra", "Free", "Office 365", "P1", "P2"]);
    let [english, chinese] = needed;
    assert!(english.contains("an Entra tenant of your organisation, any edition"));
    assert!(chinese.contains("贵组织的 Entra 租户，任何版本均可"));
}

// spec: 13
#[test]
fn the_subscriptions_to_connect_and_the_trial_are_named() {
    let needed = needed("connect.md");
    each_has(&needed, &["Tunnel Service", "authentication integration", "30"]);
}

// spec: 99
#[test]
fn the_subscriptions_for_contacts_and_the_trial_are_named() {
    let needed = needed("contacts.md");
    let words = [
        "Tunnel Service",
        "authentication integration",
        "Contacts Pro",
        "30",
    ];
    each_has(&needed, &words);
}

// spec: 15
#[test]
fn whoever_entra_lets_consent_may_connect() {
    let [english, chinese] = needed("connect.md");
    for (text, words) in [
        (
            english,
            ["Global Administrator", "whoever Entra lets consent may connect"],
        ),
        (chinese, ["全局管理员", "Entra 允许谁同意，谁就可以连接"]),
    ] {
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
}

// spec: 17
#[test]
fn setting_up_takes_six_steps_of_which_only_the_sign_in_addresses_are_optional() {
    for (page, word) in pages("connect.md").iter().zip(["(optional)", "（可选）"]) {
        let steps: Vec<&str> = headings(page)
            .into_iter()
            .filter_map(|(level, heading)| (level == 2).then_some(heading))
            .filter(|heading| heading.starts_with(|c: char| c.is_ascii_digit()))
            .collect();
        let begins = |(step, number): (&&str, u8)| step.starts_with(&format!("{number}. "));
        assert!(steps.iter().zip(1..).all(begins), "{steps:?}");
        assert_eq!(steps.len(), 6, "{steps:?}");
        let optional: Vec<_> = steps.iter().filter(|step| step.contains(word)).collect();
        assert_eq!(optional, [&steps[2]]);
        assert!(section(page, &format!("## {}", steps[2])).contains("SSO"));
    }
}

/// What the page calls a part, and the list of permissions.
const PARTS: [(&str, &str, &str); 6] = [
    ("always", "always", "始终"),
    (
        "contacts",
        "contacts, by the app itself",
        "联系人，由应用本身访问",
    ),
    (
        "authorised-account",
        "contacts, through the authorised account",
        "联系人，通过授权帐户",
    ),
    ("presence", "presence", "用户状态"),
    (
        "shared-mailboxes",
        "choosing shared mailboxes from a list (a help)",
        "从列表中选择共享邮箱（辅助）",
    ),
    (
        "secret-expiry",
        "a warning before the secret ends (a help)",
        "密码到期前提醒（辅助）",
    ),
];

/// The list of permissions as the page in one language writes it: part, type, name.
fn listed(of: impl Fn(&(&str, &str, &str)) -> String, role: &str, scope: &str) -> BTreeSet<[String; 3]> {
    let list = text("infra/entra/permissions.csv");
    let parts: BTreeMap<&str, String> = PARTS.iter().map(|part| (part.0, of(part))).collect();
    let line = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let kind = if cells[1] == "Role" { role } else { scope };
        [parts[cells[0]].clone(), kind.to_owned(), cells[2].to_owned()]
    };
    list.lines().skip(1).map(line).collect()
}

#[test]
fn the_page_of_permissions_lists_those_that_are_registered_each_with_why() {
    let [english, chinese] = pages("permissions.md");
    for (page, wanted) in [
        (
            section(&english, "## What is asked for"),
            listed(|part| part.1.to_owned(), "application", "delegated"),
        ),
        (
            section(&chinese, "## 请求的权限"),
            listed(|part| part.2.to_owned(), "应用程序", "委托"),
        ),
    ] {
        let rows = rows(page);
        assert!(rows.iter().all(|row| row.len() == 4 && !row[3].is_empty()));
        let shown: BTreeSet<[String; 3]> = rows
            .into_iter()
            .skip(1)
            .map(|row| [row[0].clone(), row[1].clone(), row[2].clone()])
            .collect();
        assert_eq!(
            shown, wanted,
            "permissions.md (left) and infra/entra/permissions.csv (right)"
        );
    }
}

// spec: 32
#[test]
fn the_default_delegated_permission_is_neither_used_nor_in_the_way() {
    let mut settings = ConnectionSettings::default();
    settings.contacts.enabled = true;
    settings.presence.enabled = true;
    for access in [ContactAccess::Application, ContactAccess::AuthorisedAccount] {
        settings.contacts.access = access;
        assert!(!application(&settings).contains(&"User.Read"));
        assert!(!delegated(&settings).contains(&"User.Read"));
    }
    let [english, chinese] = pages("permissions.md");
    for part in [
        section(&english, "## What is not asked for"),
        section(&chinese, "## 不请求的权限"),
    ] {
        assert!(part.contains("`User.Read`"), "{part}");
    }
}
