//! The mailboxes of the simulated tenant: three shared ones, and address books of a few people, with numbers as people type
//! them.

use anyhow::Context as _;
use serde_json::{Value, json};
use simulators::graph::{DEMO_TENANT_ID, Graph, MailboxState};

/// Address and name of a shared mailbox, and the contacts in it: given name, family name, company, number at work, mobile.
type Shared = (
    &'static str,
    &'static str,
    &'static [(
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        &'static str,
    )],
);

const SHARED: &[Shared] = &[
    (
        "sales",
        "Sales",
        &[
            (
                "Rui",
                "Alves",
                "Lusitano Optics",
                "+351 21 000 0001",
                "+351 93 000 0001",
            ),
            ("Mia", "Bergström", "Nordlys AB", "+46 8 5550 0101", ""),
            (
                "Kenji",
                "Sato",
                "Sato Precision",
                "+81 3 5550 0102",
                "+81-90-5550-0102",
            ),
            ("Paula", "Ortega", "Instrumentos del Sur", "0034 91 555 0103", ""),
            // The same person once more, spelled otherwise.
            ("Rui", "Alves", "", "00351 21 000 0001", "+351 (93) 000-0001"),
        ],
    ),
    (
        "support",
        "Support",
        &[
            (
                "Hotline",
                "Lab Systems",
                "Lab Systems GmbH",
                "030/5550-201 ext. 7",
                "",
            ),
            (
                "Jan",
                "Kok",
                "Kok Koeltechniek",
                "+31 20 555 0202",
                "06 5550 0202",
            ),
            // A name without a number.
            ("Eva", "Lund", "Lund & Datter", "", ""),
        ],
    ),
    (
        "suppliers",
        "Suppliers",
        &[
            ("Chen", "Li", "深圳光学", "010-6555 0301 转 12", ""),
            (
                "Anna",
                "Novak",
                "Novak Glass",
                "+420 2 5550 0302",
                "call the office",
            ),
        ],
    ),
];

/// Whose, and of each contact its name and numbers.
type AddressBook = (&'static str, &'static [(&'static str, &'static [&'static str])]);

/// Whose own contacts there are, and of which name and numbers.
const PERSONAL: &[AddressBook] = &[
    (
        "ingrid.solberg",
        &[
            ("Aunt Sigrid", &["22 55 50 40", "+47 22 55 50 40"]),
            ("Dr. Hansen", &["+47 (0)22 555 041 x3"]),
            ("", &["+47 22 55 50 42"]),
        ],
    ),
    (
        "wei.zhang",
        &[
            ("张伟", &["138 0013 8000", "0086 138 0013 8000"]),
            ("Front gate", &["112"]),
        ],
    ),
    (
        "aoife.obrien",
        &[("Mum", &["+353 1 555 0050 / +353 87 555 0050"])],
    ),
];

/// Names of the shared mailboxes: address, and the phonebook that it goes to.
pub fn shared_mailboxes(domain: &str) -> Vec<Value> {
    SHARED
        .iter()
        .map(|(local, name, _)| json!({ "mailbox": format!("{local}@{domain}"), "phonebook": format!("{name} contacts") }))
        .collect()
}

/// Fills the mailboxes of a tenant that has its people.
pub fn populate(graph: &Graph, domain: &str) -> anyhow::Result<()> {
    for (local, name, contacts) in SHARED {
        let address = format!("{local}@{domain}");
        let account = json!({
            "displayName": name, "mail": address, "userPrincipalName": address, "mailNickname": local,
            "accountEnabled": false, "userType": "Member",
        });
        let mailbox = graph.create_user(DEMO_TENANT_ID, &account)?;
        graph.set_mailbox_state(DEMO_TENANT_ID, mailbox, MailboxState::Shared)?;
        for (given, family, company, work, mobile) in *contacts {
            let numbers: Vec<&str> = [*work].into_iter().filter(|number| !number.is_empty()).collect();
            let contact = json!({
                "givenName": given, "surname": family, "displayName": format!("{given} {family}"),
                "companyName": company, "mobilePhone": mobile,
                "businessPhones": numbers,
            });
            graph.create_contact(DEMO_TENANT_ID, mailbox, (None, &contact))?;
        }
    }
    for (local, contacts) in PERSONAL {
        let address = format!("{local}@{domain}");
        let has_it = |id: &_| {
            let user = graph.user(DEMO_TENANT_ID, *id).ok().flatten();
            user.is_some_and(|user| user["mail"] == address)
        };
        let owner = graph.user_ids(DEMO_TENANT_ID)?.into_iter().find(has_it);
        let owner = owner.with_context(|| format!("nobody in the demo has the address {address}"))?;
        for (name, numbers) in *contacts {
            let contact = json!({ "displayName": name, "homePhones": numbers });
            graph.create_contact(DEMO_TENANT_ID, owner, (None, &contact))?;
        }
    }
    Ok(())
}
