//! Invents the people a PBX starts with. The same seed invents the same people.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::call::Call;
use super::config::{Config, People, Person};
use super::envelope::{Fields, Refusal, fields};
use super::extension::Monitor;
use super::organizations::{self, Organization};
use super::state::{OTHER_NUMBERS, State};
use super::{extension_rules, extensions};

const DEPARTMENTS: [&str; 6] = [
    "Sales",
    "Engineering",
    "Customer Care",
    "Finance",
    "Logistics",
    "Human Resources",
];
const TITLES: [&str; 12] = [
    "Account Manager",
    "Engineer",
    "Support Specialist",
    "Accountant",
    "Warehouse Lead",
    "Recruiter",
    "Team Lead",
    "Analyst",
    "Technician",
    "Office Manager",
    "Consultant",
    "Buyer",
];
const FIRST: [&str; 48] = [
    "Ana", "Rui", "Marta", "Hugo", "Clara", "Daniel", "Elena", "Felix", "Greta", "Henrik", "Ines", "Jakob",
    "Karin", "Lars", "Miriam", "Nils", "Olga", "Pavel", "Ricarda", "Simon", "Tara", "Ulrich", "Vera",
    "Wanda", "Xavier", "Yusuf", "Zoe", "Aisha", "Bruno", "Carmen", "Dmitri", "Esther", "Farid", "Giulia",
    "Hana", "Ivan", "Julia", "Kenji", "Lin", "Mei", "Noah", "Priya", "Rafael", "Sofia", "Tomas", "Uma",
    "Victor", "Wei",
];
const LAST: [&str; 60] = [
    "Costa",
    "Alves",
    "Silva",
    "Pereira",
    "Santos",
    "Almeida",
    "Schmidt",
    "Weber",
    "Fischer",
    "Becker",
    "Hoffmann",
    "Lindqvist",
    "Johansson",
    "Larsen",
    "Nielsen",
    "Novak",
    "Dvorak",
    "Kowalski",
    "Nowak",
    "Petrov",
    "Ivanova",
    "Rossi",
    "Bianchi",
    "Ferrari",
    "Moreau",
    "Dubois",
    "Laurent",
    "Garcia",
    "Fernandez",
    "Lopez",
    "Martin",
    "Chen",
    "Wang",
    "Zhang",
    "Liu",
    "Tanaka",
    "Suzuki",
    "Sato",
    "Kim",
    "Park",
    "Singh",
    "Patel",
    "Sharma",
    "Khan",
    "Hassan",
    "Ali",
    "Yilmaz",
    "Demir",
    "Okafor",
    "Mensah",
    "Smith",
    "Brown",
    "Walker",
    "Hughes",
    "Murphy",
    "Kelly",
    "Campbell",
    "Stewart",
    "Bennett",
    "Foster",
];

/// Fills an empty PBX.
pub fn populate(state: &mut State, config: &Config) -> Result<(), Refusal> {
    for name in DEPARTMENTS {
        state.organizations.insert(Organization {
            name: name.to_owned(),
            parent: Some(organizations::ROOT),
        });
    }
    let people = match &config.extensions {
        People::Listed(people) => people.clone(),
        People::Count(count) => invent(config, *count),
    };
    for person in &people {
        let id = add(state, person)?;
        if let Some(mut extension) = state.extensions.get(id).cloned() {
            extension.monitor = Monitor::all(true);
            state.extensions.replace(extension);
        }
    }
    Ok(())
}

/// Adds an extension as a human in the portal does: what is not said, the PBX chooses.
pub fn add(state: &mut State, person: &Person) -> Result<u32, Refusal> {
    let number = if person.number.is_empty() {
        free_number(state)
    } else {
        person.number.clone()
    };
    let mut body = fields([
        ("number", number.into()),
        ("first_name", person.first_name.clone().into()),
        ("last_name", person.last_name.clone().into()),
        ("email_addr", person.email_addr.clone().into()),
        ("mobile_number", person.mobile_number.clone().into()),
        ("title", person.title.clone().into()),
    ]);
    complete(state, &mut body);
    let number = body.get("number").cloned();
    extensions::create(state, &Call::portal(body))?;
    let number = number
        .as_ref()
        .and_then(|number| number.as_str())
        .unwrap_or_default();
    state
        .extensions
        .id_of_number(number)
        .ok_or(Refusal::parameter("number"))
}

/// Adds what the portal's form fills in by itself.
pub fn complete(state: &mut State, body: &mut Fields) {
    if !body.contains_key("number") {
        body.insert("number".to_owned(), free_number(state).into());
    }
    if state.settings.organizations_enabled && !body.contains_key("organization_list") {
        body.insert(
            "organization_list".to_owned(),
            json!([{ "value": organizations::ROOT.to_string() }]),
        );
    }
    let (user, registration, name) = (password(state), password(state), state.random_text(10));
    for (key, value) in [
        ("type", json!("SIP")),
        ("user_password", json!(user)),
        ("reg_password", json!(registration)),
        ("reg_name", json!(name)),
        ("concurrent_registrations", json!(1)),
        ("presence_status", json!("available")),
    ] {
        body.entry(key).or_insert(value);
    }
}

/// Never two digits side by side, all three kinds of characters.
fn password(state: &mut State) -> String {
    const KINDS: [&[u8]; 3] = [
        b"ABCDEFGHJKLMNPQRSTUVWXYZ",
        b"abcdefghijkmnpqrstuvwxyz",
        b"23456789",
    ];
    let picks = KINDS.iter().cycle().take(12);
    picks
        .filter_map(|kind| {
            kind.get(state.random.random_range(0..kind.len()))
                .copied()
                .map(char::from)
        })
        .collect()
}

fn free_number(state: &State) -> String {
    let (first, last) = state.settings.number_range;
    (first..=last)
        .map(|number| number.to_string())
        .find(|number| is_free(state, number))
        .unwrap_or_default()
}

fn is_free(state: &State, number: &str) -> bool {
    state.extensions.id_of_number(number).is_none()
        && OTHER_NUMBERS.iter().all(|(taken, _, _)| *taken != number)
        && extension_rules::check_number(&state.settings, number).is_ok()
}

/// Their own random stream, so that their number does not change later tokens.
fn invent(config: &Config, count: usize) -> Vec<Person> {
    let mut random = ChaCha8Rng::seed_from_u64(config.seed ^ 0x5eed_0fbe_0fbe_5eed);
    let taken = |number: &u64| {
        OTHER_NUMBERS
            .iter()
            .any(|(taken, _, _)| *taken == number.to_string())
    };
    let numbers = (config.number_range.0..).filter(|number| !taken(number));
    numbers
        .take(count)
        .map(|number| person(&mut random, number, &config.mail_domain))
        .collect()
}

fn person(random: &mut ChaCha8Rng, number: u64, domain: &str) -> Person {
    let (first, last) = (pick(random, &FIRST), pick(random, &LAST));
    let local = format!("{}.{}", first.to_lowercase(), last.to_lowercase());
    Person {
        number: number.to_string(),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        // The number keeps namesakes apart.
        email_addr: format!("{local}{number}@{domain}"),
        mobile_number: format!("+3519{:08}", random.random_range(10_000_000..99_999_999_u32)),
        title: pick(random, &TITLES).to_owned(),
    }
}

fn pick(random: &mut ChaCha8Rng, list: &[&'static str]) -> &'static str {
    list.get(random.random_range(0..list.len()))
        .copied()
        .unwrap_or_default()
}
