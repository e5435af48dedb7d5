//! People as directories really hold them: some without mail, some sharing one, phones in every spelling,
//! guests, leavers whose account is off, names with a part missing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::DOMAIN;
use super::names::{DEPARTMENTS, Department, FAMILY, GIVEN, OFFICES, Office, ascii};
use crate::graph::config::UserConfig;
use crate::graph::directory::{Props, seconds};
use crate::graph::world::{below, random_id};

const MAIL_DOMAIN: &str = "contoso.example";
/// Shared by a few people, as a front desk does.
const SHARED_MAIL: &str = "reception@contoso.example";

pub struct Person {
    pub user: UserConfig,
    pub department: Option<&'static str>,
    pub guest: bool,
}

pub fn people(rng: &mut ChaCha8Rng, count: usize, now: Timestamp) -> Vec<Person> {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut people: Vec<Person> = Vec::with_capacity(count);
    for number in 0..count {
        let mut person = person(rng, number, &mut taken);
        person
            .user
            .props
            .insert("createdDateTime".into(), json!(seconds(now)));
        // The first few lead; everybody else reports to one of them.
        let leaders = people.len().min(12);
        if number > 12 {
            person.user.manager = people.get(below(rng, leaders)).map(|leader| leader.user.id);
        }
        people.push(person);
    }
    people
}

/// One in `odds`.
fn chance(rng: &mut ChaCha8Rng, odds: usize) -> bool {
    below(rng, odds) == 0
}

fn pick<'a, T>(rng: &mut ChaCha8Rng, from: &'a [T]) -> &'a T {
    from.get(below(rng, from.len()))
        .expect("the lists of words are not empty")
}

fn person(rng: &mut ChaCha8Rng, number: usize, taken: &mut BTreeMap<String, usize>) -> Person {
    let (given, family) = (*pick(rng, GIVEN), *pick(rng, FAMILY));
    let department = pick(rng, DEPARTMENTS);
    let office = pick(rng, OFFICES);
    let guest = chance(rng, 20);
    let local = local_part(given, family, taken);
    let mut props = Props::new();
    put(&mut props, "displayName", json!(format!("{given} {family}")));
    put(&mut props, "accountEnabled", json!(!chance(rng, 15)));
    name_parts(rng, &mut props, given, family);
    addresses(rng, &mut props, &local, guest);
    work(rng, &mut props, department, office);
    phones(rng, &mut props, number, office);
    extras(rng, &mut props, number);
    let has_department = props.contains_key("department");
    let user = UserConfig {
        id: random_id(rng),
        props,
        manager: None,
    };
    Person {
        user,
        department: has_department.then_some(department.name),
        guest,
    }
}

fn put(props: &mut Props, name: &'static str, value: Value) {
    props.insert(name.into(), value);
}

fn local_part(given: &str, family: &str, taken: &mut BTreeMap<String, usize>) -> String {
    let local = format!("{}.{}", ascii(given), ascii(family));
    let seen = taken.entry(local.clone()).or_default();
    *seen += 1;
    if *seen == 1 {
        local
    } else {
        format!("{local}{seen}")
    }
}

fn name_parts(rng: &mut ChaCha8Rng, props: &mut Props, given: &str, family: &str) {
    if !chance(rng, 30) {
        put(props, "givenName", json!(given));
    }
    if !chance(rng, 30) {
        put(props, "surname", json!(family));
    }
}

fn addresses(rng: &mut ChaCha8Rng, props: &mut Props, local: &str, guest: bool) {
    if guest {
        let outside = format!("{local}@partner.example");
        let upn = format!("{local}_partner.example#EXT#@{DOMAIN}");
        put(props, "userPrincipalName", json!(upn));
        put(props, "userType", json!("Guest"));
        put(props, "creationType", json!("Invitation"));
        put(props, "externalUserState", json!("Accepted"));
        put(props, "mail", json!(outside));
        return;
    }
    put(
        props,
        "userPrincipalName",
        json!(format!("{local}@{MAIL_DOMAIN}")),
    );
    put(props, "mailNickname", json!(local));
    // Old objects have no type at all.
    if !chance(rng, 40) {
        put(props, "userType", json!("Member"));
    }
    let mail = match below(rng, 60) {
        0..3 => return,
        3 => SHARED_MAIL.to_owned(),
        _ => format!("{local}@{MAIL_DOMAIN}"),
    };
    put(
        props,
        "proxyAddresses",
        json!([format!("SMTP:{mail}"), format!("smtp:{local}@{DOMAIN}")]),
    );
    put(props, "mail", json!(mail));
}

fn work(rng: &mut ChaCha8Rng, props: &mut Props, department: &Department, office: &Office) {
    if !chance(rng, 12) {
        put(props, "department", json!(department.name));
        put(props, "jobTitle", json!(*pick(rng, department.titles)));
    }
    put(props, "companyName", json!("Contoso"));
    put(props, "officeLocation", json!(office.name));
    put(props, "city", json!(office.name));
    put(props, "country", json!(office.country));
    put(props, "usageLocation", json!(office.country));
    if chance(rng, 2) {
        put(props, "preferredLanguage", json!(office.language));
    }
}

fn phones(rng: &mut ChaCha8Rng, props: &mut Props, number: usize, office: &Office) {
    let direct = 2000 + number;
    let Office {
        calling_code: code,
        area,
        ..
    } = *office;
    let business = match below(rng, 8) {
        0 => return put(props, "businessPhones", json!([])),
        1 => format!("+{code} (0){area} 5550 {direct}"),
        2 => format!("0{area}5550{direct}"),
        3 => format!("tel:+{code}{area}5550{direct}"),
        4 => format!("x{direct}"),
        5 => format!("+{code}\u{a0}{area}\u{a0}5550-{direct}"),
        6 => format!("{direct}"),
        _ => format!("+{code} {area} 5550 {direct}"),
    };
    put(props, "businessPhones", json!([business]));
    let mobile = match below(rng, 5) {
        0 => return,
        1 => format!("00{code} 170 555{direct}"),
        2 => format!("+{code}170555{direct} (private, please do not call after 6 pm)"),
        3 => return put(props, "mobilePhone", Value::Null),
        _ => format!("+{code} 170 555 {direct}"),
    };
    put(
        props,
        "mobilePhone",
        if mobile.is_empty() {
            Value::Null
        } else {
            json!(mobile)
        },
    );
}

fn extras(rng: &mut ChaCha8Rng, props: &mut Props, number: usize) {
    if !chance(rng, 6) {
        put(props, "employeeId", json!(format!("{:05}", 10_000 + number)));
    }
    if chance(rng, 5) {
        put(
            props,
            "faxNumber",
            json!(format!("+49 30 5559 {}", 1000 + number)),
        );
    }
    if chance(rng, 3) {
        let mut attributes: BTreeMap<String, Value> = (1..=15)
            .map(|index| (format!("extensionAttribute{index}"), Value::Null))
            .collect();
        attributes.insert(
            "extensionAttribute1".into(),
            json!(format!("{:04}", 3000 + number)),
        );
        put(props, "onPremisesExtensionAttributes", json!(attributes));
        put(props, "onPremisesSyncEnabled", json!(true));
    }
}

/// Those who belong to a department's own group.
pub fn members_of(people: &[Person], department: &str) -> std::collections::BTreeSet<Uuid> {
    let staff = people
        .iter()
        .filter(|person| !person.guest && person.department == Some(department));
    staff.map(|person| person.user.id).collect()
}
