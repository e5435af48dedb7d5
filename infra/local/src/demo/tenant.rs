//! The simulated tenant of the demo: some sixty people of one company and their groups, as untidy as a real directory.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulators::clock::SimClock;
use simulators::graph::{
    AppConfig, Config, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_TENANT_ID, Graph, Running, TenantConfig,
};

pub const DOMAIN: &str = "northwind.example";
const SECRET_LIFE: SignedDuration = SignedDuration::from_hours(180 * 24);

/// Department, then given name, family name and job title of its people.
type Department = (
    &'static str,
    &'static [(&'static str, &'static str, &'static str)],
);

const STAFF: &[Department] = &[
    (
        "Management",
        &[
            ("Ingrid", "Solberg", "Chief Executive Officer"),
            ("Mateo", "Álvarez", "Chief Financial Officer"),
            ("Wei", "Zhang", "Chief Technology Officer"),
            ("Aoife", "O'Brien", "Assistant to the Board"),
        ],
    ),
    (
        "Sales",
        &[
            ("Hannah", "Schulz", "Head of Sales"),
            ("Luca", "Bianchi", "Account Manager"),
            ("Chloé", "Moreau", "Account Manager"),
            ("Oliver", "Hughes", "Account Manager"),
            ("Fatima", "El-Sayed", "Account Manager"),
            ("Jonas", "Lindqvist", "Inside Sales"),
            ("Priya", "Nair", "Inside Sales"),
            ("Tomasz", "Wójcik", "Inside Sales"),
            ("Emily", "Carter", "Sales Analyst"),
        ],
    ),
    (
        "Support",
        &[
            ("Noah", "Becker", "Head of Support"),
            ("Grace", "Okafor", "Support Engineer"),
            ("Yuki", "Tanaka", "Support Engineer"),
            ("Diego", "Fernández", "Support Engineer"),
            ("Sofia", "Papadopoulou", "Support Engineer"),
            ("Liam", "Murphy", "Support Engineer"),
            ("Amara", "Diallo", "Support Engineer"),
            ("Ethan", "Walker", "Support Engineer"),
            ("Mei", "Lin", "Support Engineer"),
            ("Zoë", "van der Berg", "Support Coordinator"),
        ],
    ),
    (
        "Engineering",
        &[
            ("Arjun", "Mehta", "Head of Engineering"),
            ("Clara", "Hoffmann", "Software Engineer"),
            ("Mikhail", "Petrov", "Software Engineer"),
            ("Anaïs", "Dubois", "Software Engineer"),
            ("Daniel", "Kim", "Software Engineer"),
            ("Freja", "Nielsen", "Software Engineer"),
            ("Samuel", "Osei", "Software Engineer"),
            ("Katarína", "Nováková", "Test Engineer"),
            ("Bruno", "Carvalho", "Test Engineer"),
            ("Leila", "Haddad", "Product Owner"),
            ("Viktor", "Horváth", "Platform Engineer"),
        ],
    ),
    (
        "Finance",
        &[
            ("Marta", "Kowalska", "Head of Finance"),
            ("Peter", "Müller", "Controller"),
            ("Rosa", "Jiménez", "Accountant"),
            ("Henrik", "Dahl", "Accountant"),
            ("Nadia", "Rahman", "Payroll"),
        ],
    ),
    (
        "Warehouse",
        &[
            ("Stefan", "Ionescu", "Warehouse Manager"),
            ("Kofi", "Mensah", "Shift Leader"),
            ("Elena", "Popescu", "Shift Leader"),
            ("Marek", "Dvořák", "Forklift Driver"),
            ("Paulo", "Santos", "Forklift Driver"),
        ],
    ),
    (
        "People",
        &[
            ("Julia", "Weber", "Head of People"),
            ("Isabel", "Rojas", "Recruiter"),
            ("Thabo", "Nkosi", "Office Manager"),
        ],
    ),
];

/// Starts it on a free loopback port.
pub async fn start() -> anyhow::Result<Running> {
    let clock = SimClock::real();
    let ends_at = clock.now().saturating_add(SECRET_LIFE).unwrap_or(Timestamp::MAX);
    let mut tenant = TenantConfig::empty(DEMO_TENANT_ID, DOMAIN);
    "Northwind Instruments".clone_into(&mut tenant.name);
    tenant.apps = vec![AppConfig::connector(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, ends_at)];
    let mut config = Config::empty(1, clock);
    config.tenants.push(tenant);
    let running = Graph::start(config, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    populate(&running.graph())?;
    super::mailboxes::populate(&running.graph(), DOMAIN)?;
    Ok(running)
}

fn populate(graph: &Graph) -> anyhow::Result<()> {
    let mut groups = BTreeMap::new();
    for (department, people) in STAFF {
        let group = match *department {
            // Nobody ever made a group for them.
            "Warehouse" => None,
            "People" => Some(graph.create_group(DEMO_TENANT_ID, &team(department))?),
            _ => Some(graph.create_group(DEMO_TENANT_ID, &group(department))?),
        };
        for (index, (given, family, title)) in people.iter().enumerate() {
            let user = graph.create_user(DEMO_TENANT_ID, &person(given, family, title, department, index))?;
            if let Some(group) = group {
                graph.add_member(DEMO_TENANT_ID, group, user)?;
            }
        }
        groups.extend(group.map(|group| (*department, group)));
    }
    // A group of groups, and one that waits for its people.
    let head_office = graph.create_group(DEMO_TENANT_ID, &group("Head office"))?;
    for department in ["Management", "Finance"] {
        if let Some(inside) = groups.get(department) {
            graph.add_member(DEMO_TENANT_ID, head_office, *inside)?;
        }
    }
    graph.create_group(DEMO_TENANT_ID, &group("Interns"))?;
    for odd_one in odd_ones() {
        graph.create_user(DEMO_TENANT_ID, &odd_one)?;
    }
    Ok(())
}

fn group(department: &str) -> Value {
    json!({
        "displayName": department,
        "mailEnabled": false,
        "securityEnabled": true,
        "mailNickname": ascii(department),
        "groupTypes": [],
    })
}

/// The same with a mailbox and a place in Teams.
fn team(department: &str) -> Value {
    merge(
        group(department),
        json!({ "mailEnabled": true, "securityEnabled": false, "groupTypes": ["Unified"] }),
    )
}

fn person(given: &str, family: &str, title: &str, department: &str, index: usize) -> Value {
    let nickname = format!("{}.{}", ascii(given), ascii(family));
    let desk = 100 + index + department.len() * 10;
    json!({
        "accountEnabled": true,
        "displayName": format!("{given} {family}"),
        "givenName": given,
        "surname": family,
        "jobTitle": title,
        "department": department,
        "mail": format!("{nickname}@{DOMAIN}"),
        "mailNickname": nickname,
        "userPrincipalName": format!("{nickname}@{DOMAIN}"),
        "userType": "Member",
        "mobilePhone": mobile(index + family.len()),
        "businessPhones": [format!("+49 30 5550 {desk}")],
        "officeLocation": "Berlin",
    })
}

/// Mobile numbers as people type them.
fn mobile(turn: usize) -> Value {
    match turn % 4 {
        0 => Value::Null,
        1 => json!(format!("+49 151 555 01{:02}", turn % 100)),
        2 => json!(format!("0151/555-02{:02}", turn % 100)),
        _ => json!(format!("+49 (0)170 5550 3{:02}", turn % 100)),
    }
}

/// People whom a sync must think about, each in one way.
fn odd_ones() -> Vec<Value> {
    let base = |given: &str, family: &str| person(given, family, "Consultant", "External", 1);
    let with = |given: &str, family: &str, changes: Value| merge(base(given, family), changes);
    let guest = |name: &str, home: &str| {
        json!({
            "displayName": name, "givenName": name, "userType": "Guest", "mail": format!("{}@{home}", ascii(name)),
            "userPrincipalName": format!("{}_{home}#EXT#@{DOMAIN}", ascii(name)),
        })
    };
    let front_desk = json!({ "mail": format!("frontdesk@{DOMAIN}") });
    vec![
        // Left last month: the account is off.
        with("Robert", "Keller", json!({ "accountEnabled": false })),
        with("Yvonne", "Marchetti", json!({ "accountEnabled": false })),
        // Two who share one mail box.
        with("Sven", "Eriksson", front_desk.clone()),
        with("Carla", "Russo", front_desk),
        with("Dana", "Whitfield", guest("Dana", "fabrikam.example")),
        with("Omar", "Farouk", guest("Omar", "contoso.example")),
        // No mail box: the user principal name stands in for the address.
        with(
            "Gate",
            "Guard",
            json!({ "mail": null, "jobTitle": "Night shift" }),
        ),
        with(
            "Maximiliane-Theodora",
            "von und zu Hohenlohe-Waldenburg-Schillingsfürst",
            json!({ "jobTitle": "Adviser to the Chief Executive Officer on International Trade Regulation" }),
        ),
        // One name only.
        with(
            "Suharto",
            "",
            json!({ "surname": null, "displayName": "Suharto", "mail": "suharto@northwind.example" }),
        ),
        with(
            "山田",
            "太郎",
            json!({ "mail": "taro.yamada@northwind.example", "userPrincipalName": "taro.yamada@northwind.example" }),
        ),
        with(
            "Nina",
            "Long",
            json!({ "mobilePhone": "+49 151 5550 1234 5678 9012 3456 ext. 77 (please ring twice)" }),
        ),
        with(
            "Ann \"Annie\"",
            "<Smith>",
            json!({ "mail": "annie.smith@northwind.example", "userPrincipalName": "annie.smith@northwind.example" }),
        ),
    ]
}

fn merge(mut person: Value, changes: Value) -> Value {
    if let (Some(person), Value::Object(changes)) = (person.as_object_mut(), changes) {
        person.extend(changes);
    }
    person
}

/// The part of an address that a name becomes.
fn ascii(name: &str) -> String {
    let plain: BTreeMap<char, &str> = BTreeMap::from([
        ('á', "a"),
        ('é', "e"),
        ('ë', "e"),
        ('í', "i"),
        ('ï', "i"),
        ('ó', "o"),
        ('ö', "oe"),
        ('ü', "ue"),
        ('Á', "a"),
        ('ř', "r"),
        ('á', "a"),
    ]);
    let mut address = String::new();
    for letter in name.chars() {
        match plain.get(&letter) {
            Some(text) => address.push_str(text),
            None if letter.is_ascii_alphanumeric() => address.push(letter.to_ascii_lowercase()),
            None if letter == ' ' || letter == '-' => address.push('-'),
            None => {}
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_tenant_takes_everybody() {
        let people: usize = STAFF.iter().map(|(_, people)| people.len()).sum();
        assert!((55..=70).contains(&(people + odd_ones().len())));
        let running = start().await.unwrap();
        assert_eq!(running.graph().group_ids(DEMO_TENANT_ID).unwrap().len(), 8);
    }

    #[test]
    fn addresses_are_plain_and_each_is_one_persons() {
        let mut seen = std::collections::BTreeSet::new();
        for (given, family, _) in STAFF.iter().flat_map(|(_, people)| *people) {
            let address = format!("{}.{}", ascii(given), ascii(family));
            assert!(address.is_ascii() && seen.insert(address.clone()), "{address}");
        }
    }
}
