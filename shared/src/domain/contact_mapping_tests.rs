use uuid::Uuid;

use super::*;
use crate::domain::contact::ContactId;
use crate::domain::ids::ConnectionId;
use crate::domain::mailbox::MailboxId;

fn key() -> ContactKey {
    let (connection, mailbox) = (
        ConnectionId::from(Uuid::from_u128(1)),
        MailboxId::from(Uuid::from_u128(2)),
    );
    ContactKey::of(connection, mailbox, &ContactId("a".into()))
}

fn country() -> Country {
    Country::parse("DE").unwrap()
}

fn mapped(contact: &OutlookContact) -> Mapped {
    card_of(contact, &key(), country()).unwrap()
}

fn contact() -> OutlookContact {
    OutlookContact {
        display_name: "Rui Alves".into(),
        given_name: "Rui".into(),
        surname: "Alves".into(),
        mobile_phone: "0151 5550 0123".into(),
        ..OutlookContact::default()
    }
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

// spec: 121
#[test]
fn names_come_from_the_first_place_that_has_one() {
    // given, surname, display, file as, company -> first, last
    let long = "Internationale Gesellschaft fuer Angewandte Fernmeldetechnik und Vermittlung mbH";
    let rows = [
        (
            ["Rui", "Alves", "R. Alves", "Alves, Rui", "Contoso"],
            ("Rui", "Alves"),
        ),
        (["Rui", "", "R. Alves", "", ""], ("Rui", "")),
        (["", "Alves", "R. Alves", "", ""], ("Alves", "")),
        (["", "", "Rui Alves", "", "Contoso"], ("Rui Alves", "")),
        (["", "", "", "Alves, Rui", "Contoso"], ("Rui", "Alves")),
        (
            ["", "", "Contoso, Inc., Berlin", "", ""],
            ("Contoso, Inc., Berlin", ""),
        ),
        (["", "", "", "", "Contoso"], ("Contoso", "")),
        (["  Rui\t", " de  Sá ", "", "", ""], ("Rui", "de Sá")),
        (["", "", "山田太郎", "", ""], ("山田太郎", "")),
        (
            ["", "", "", "", long],
            (
                "Internationale Gesellschaft fuer Angewandte Fernmeldetechnik",
                "und Vermittlung mbH",
            ),
        ),
    ];
    for ([given, surname, display, file_as, company], expected) in rows {
        let contact = OutlookContact {
            given_name: given.into(),
            surname: surname.into(),
            display_name: display.into(),
            file_as: file_as.into(),
            company: company.into(),
            ..contact()
        };
        let card = mapped(&contact).card;
        assert_eq!((card.first_name.as_str(), card.last_name.as_str()), expected);
    }
}

#[test]
fn what_is_too_long_is_cut_and_said() {
    let contact = OutlookContact {
        given_name: "é".repeat(70),
        company: "c".repeat(200),
        job_title: "t".repeat(200),
        ..contact()
    };
    let Mapped { card, notes } = mapped(&contact);
    assert_eq!(card.first_name.chars().count(), 63);
    assert_eq!(card.company.chars().count(), 127);
    assert!(card.remark.chars().count() < 1024);
    assert_eq!(
        notes,
        [
            "first name was cut to 63 characters, the most the PBX takes",
            "company was cut to 127 characters, the most the PBX takes",
            "job title was cut to 127 characters, the most the PBX takes",
        ]
    );
}

#[test]
fn the_first_address_that_the_pbx_takes_is_chosen() {
    let rows = [
        (&["rui@contoso.example"][..], "rui@contoso.example", 0),
        (
            &["/o=ExchangeLabs/ou=x/cn=Recipients/cn=rui", "rui@contoso.example"],
            "rui@contoso.example",
            0,
        ),
        (&["/o=ExchangeLabs/ou=x"], "", 1),
        (&["rui+pbx@contoso.example"], "", 1),
        (&["", " "], "", 0),
    ];
    for (emails, expected, notes) in rows {
        let contact = OutlookContact {
            emails: texts(emails),
            ..contact()
        };
        let found = mapped(&contact);
        assert_eq!(found.card.email, expected, "{emails:?}");
        assert_eq!(found.notes.len(), notes, "{emails:?}");
    }
}

#[test]
fn each_kind_of_number_has_two_places_and_what_is_left_one() {
    let contact = OutlookContact {
        business_phones: texts(&["030 1234561", "030 1234562", "030 1234563", "030 1234564"]),
        home_phones: texts(&["040 1234561", "040 1234562"]),
        mobile_phone: "0151 55500123 / 0151 55500124".into(),
        ..contact()
    };
    let Mapped { card, notes } = mapped(&contact);
    let numbers: Vec<(&str, &str)> = card
        .numbers
        .iter()
        .map(|(slot, n)| (slot.key(), n.as_str()))
        .collect();
    assert_eq!(
        numbers,
        [
            ("business", "+49301234561"),
            ("business2", "+49301234562"),
            ("mobile", "+4915155500123"),
            ("mobile2", "+4915155500124"),
            ("home", "+49401234561"),
            ("home2", "+49401234562"),
            ("other", "+49301234563"),
        ]
    );
    assert_eq!(
        notes,
        ["1 more numbers were left out: the PBX has no place for them"]
    );
}

#[test]
fn one_number_in_many_spellings_fills_one_place() {
    let contact = OutlookContact {
        business_phones: texts(&["+49 151 5550 0123", "0049 151 55500123", "(0151) 5550-0123"]),
        home_phones: texts(&["+49(0)151 55500123"]),
        ..contact()
    };
    assert_eq!(
        mapped(&contact).card.numbers,
        [(NumberSlot::Mobile, "+4915155500123".into())].into()
    );
}

#[test]
fn extensions_and_nonsense_are_left_out_and_said() {
    let contact = OutlookContact {
        business_phones: texts(&[
            "030 1234567 ext. 12",
            "see card",
            "+49 151 5550 1234 5678 9012 3456 7890 1234",
        ]),
        ..contact()
    };
    let Mapped { card, notes } = mapped(&contact);
    assert_eq!(
        card.numbers.get(&NumberSlot::Business).map(String::as_str),
        Some("+49301234567")
    );
    assert_eq!(
        notes,
        [
            "a business number was left out: there is no digit in it",
            "a business number was left out: the PBX takes at most 31 characters",
            "extension 12 of a business number was left out: the PBX has no place for it",
        ]
    );
}

// spec: 120, 121, 122
#[test]
fn an_incomplete_contact_is_named_with_what_it_lacks() {
    let nameless = OutlookContact {
        mobile_phone: "0151 5550 0123".into(),
        ..OutlookContact::default()
    };
    let numberless = OutlookContact {
        mobile_phone: String::new(),
        emails: texts(&["rui@contoso.example"]),
        ..contact()
    };
    let rows = [
        (nameless, "enter a first or last name"),
        (numberless, "enter a mobile, home or business number"),
        (
            OutlookContact::default(),
            "enter a first or last name, and a mobile, home or business number",
        ),
    ];
    for (contact, missing) in rows {
        assert_eq!(card_of(&contact, &key(), country()).unwrap_err().missing, missing);
    }
}

#[test]
fn the_remark_holds_the_job_title_and_our_mark() {
    let contact = OutlookContact {
        job_title: "Buyer".into(),
        ..contact()
    };
    let remark = mapped(&contact).card.remark;
    assert_eq!(remark, format!("Buyer {}", key().mark()));
    assert_eq!(ContactKey::in_remark(&remark), Some(key()));
}
