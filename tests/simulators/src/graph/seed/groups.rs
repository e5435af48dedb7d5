//! Groups around the people: one for each department, all of them nested in one, and every kind and oddity
//! that a reader of groups must stand.

use std::collections::BTreeSet;

use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::names::DEPARTMENTS;
use super::people::{Person, members_of};
use crate::graph::config::GroupConfig;
use crate::graph::directory::Props;
use crate::graph::world::random_id;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Security,
    MailEnabledSecurity,
    Distribution,
    Microsoft365,
    Dynamic,
}

pub fn groups(rng: &mut ChaCha8Rng, people: &[Person], others: &[Uuid]) -> Vec<GroupConfig> {
    let departments: Vec<GroupConfig> = DEPARTMENTS
        .iter()
        .map(|department| {
            group(
                rng,
                department.name,
                Sort::Security,
                members_of(people, department.name),
            )
        })
        .collect();
    let first_people = |count: usize| people.iter().take(count).map(|person| person.user.id);
    let nested: BTreeSet<Uuid> = departments
        .iter()
        .map(|group| group.id)
        .chain(others.iter().copied())
        .collect();
    let all_staff = group(rng, "All staff", Sort::Security, nested);
    let mut everyone = group(rng, "PBX users", Sort::Security, [all_staff.id].into());
    let loop_back = group(
        rng,
        "Loop",
        Sort::Security,
        [everyone.id].into_iter().chain(first_people(1)).collect(),
    );
    everyone.members.insert(loop_back.id);
    let mut all = vec![all_staff, everyone, loop_back];
    all.extend(oddities(rng, people));
    all.extend(departments);
    all
}

/// One of every other kind, two of one name among them.
fn oddities(rng: &mut ChaCha8Rng, people: &[Person]) -> Vec<GroupConfig> {
    let first_people = |count: usize| people.iter().take(count).map(|person| person.user.id).collect();
    let guests = people
        .iter()
        .filter(|person| person.guest)
        .map(|person| person.user.id)
        .collect();
    let sales = members_of(people, "Sales");
    let mut hidden = group(rng, "Works council", Sort::Microsoft365, first_people(3));
    hidden
        .props
        .insert("visibility".into(), json!("HiddenMembership"));
    vec![
        hidden,
        group(rng, "Sales team", Sort::Microsoft365, sales.clone()),
        group(rng, "Nobody yet", Sort::Security, BTreeSet::new()),
        group(rng, "Sales", Sort::MailEnabledSecurity, sales),
        group(rng, "Newsletter", Sort::Distribution, first_people(10)),
        group(rng, "Guests", Sort::Dynamic, guests),
    ]
}

fn group(rng: &mut ChaCha8Rng, name: &str, sort: Sort, members: BTreeSet<Uuid>) -> GroupConfig {
    let id = random_id(rng);
    let (types, mail, security): (&[&str], bool, bool) = match sort {
        Sort::Security => (&[], false, true),
        Sort::MailEnabledSecurity => (&[], true, true),
        Sort::Distribution => (&[], true, false),
        Sort::Microsoft365 => (&["Unified"], true, false),
        Sort::Dynamic => (&["DynamicMembership"], false, true),
    };
    let nickname: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut props = Props::new();
    let mut put = |name: &'static str, value: Value| props.insert(name.into(), value);
    put("displayName", json!(name));
    put("groupTypes", json!(types));
    put("mailEnabled", json!(mail));
    put("securityEnabled", json!(security));
    if mail {
        let address = format!("{}@contoso.example", nickname.to_lowercase());
        put("proxyAddresses", json!([format!("SMTP:{address}")]));
        put("mail", json!(address));
    }
    put("mailNickname", json!(nickname));
    if sort == Sort::Dynamic {
        put("membershipRule", json!("(user.userType -eq \"Guest\")"));
        put("membershipRuleProcessingState", json!("On"));
    }
    GroupConfig { id, props, members }
}
