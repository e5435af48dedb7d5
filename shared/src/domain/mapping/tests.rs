use super::*;
use crate::domain::entra_user::UserType;
use crate::domain::ids::EntraUserId;

fn person() -> EntraUser {
    EntraUser {
        id: EntraUserId::parse("00000000-0000-0000-0000-000000000001").unwrap(),
        display_name: Some("Ada Example".into()),
        given_name: Some("Ada".into()),
        surname: Some("Example".into()),
        user_principal_name: Some("ada@contoso.example".into()),
        mail: Some("ada@contoso.example".into()),
        mobile_phone: Some("+44 7700 900123".into()),
        job_title: Some("Engineer".into()),
        account_enabled: true,
        user_type: UserType::Member,
        number_values: Vec::new(),
    }
}

fn number() -> ExtensionNumber {
    ExtensionNumber::parse("2001").unwrap()
}

fn mapped(change: impl FnOnce(&mut EntraUser)) -> DesiredFields {
    let mut user = person();
    change(&mut user);
    desired_fields(&user, &number())
}

// spec: 75, 76
#[test]
fn the_five_owned_fields_come_from_entra() {
    let desired = mapped(|_| {});
    assert_eq!(
        desired.fields,
        OwnedFields {
            first_name: "Ada".into(),
            last_name: "Example".into(),
            email: "ada@contoso.example".into(),
            mobile: "+447700900123".into(),
            title: "Engineer".into(),
        }
    );
    assert!(desired.notes.is_empty());
}

#[test]
fn without_given_name_and_surname_the_display_name_stands_in_and_then_the_number() {
    let shown = mapped(|user| (user.given_name, user.surname) = (None, Some("  ".into())));
    assert_eq!(
        (shown.fields.first_name.as_str(), shown.fields.last_name.as_str()),
        ("Ada Example", "")
    );
    let nameless = mapped(|user| (user.given_name, user.surname, user.display_name) = (None, None, None));
    assert_eq!(nameless.fields.first_name, "2001");
}

#[test]
fn the_address_is_mail_then_the_sign_in_name_but_never_a_guests() {
    assert_eq!(
        mapped(|user| user.mail = None).fields.email,
        "ada@contoso.example"
    );
    let guest = "ada_fabrikam.example#EXT#@contoso.onmicrosoft.com";
    let guest = mapped(|user| (user.mail, user.user_principal_name) = (None, Some(guest.into())));
    assert_eq!(guest.fields.email, "");
    assert!(
        guest.notes.is_empty(),
        "a guest without mail has no address to complain about"
    );
}

#[test]
fn an_address_the_pbx_refuses_is_left_out_and_reported() {
    for bad in [
        "ada+pbx@contoso.example",
        "-ada@contoso.example",
        "ada@localhost",
        "ada@contoso..example",
        "ädä@x.y",
        "a b@x.y",
    ] {
        let desired = mapped(|user| user.mail = Some(bad.into()));
        assert_eq!(desired.fields.email, "", "{bad}");
        assert_eq!(
            desired.notes,
            [FieldNote {
                field: Field::Email,
                problem: FieldProblem::NotAnAddress
            }],
            "{bad}"
        );
    }
    let long = format!("{}@contoso.example", "a".repeat(250));
    let desired = mapped(|user| user.mail = Some(long));
    assert_eq!(
        desired.notes,
        [FieldNote {
            field: Field::Email,
            problem: FieldProblem::TooLong(MAX_EMAIL)
        }]
    );
}

#[test]
fn names_and_title_are_cut_to_the_pbx_limit_and_reported() {
    let desired = mapped(|user| {
        user.given_name = Some("é".repeat(64));
        user.job_title = Some("t".repeat(128));
    });
    assert_eq!(desired.fields.first_name.chars().count(), MAX_NAME);
    assert_eq!(desired.fields.title.len(), MAX_TITLE);
    assert_eq!(
        desired.notes,
        [
            FieldNote {
                field: Field::FirstName,
                problem: FieldProblem::Cut(MAX_NAME)
            },
            FieldNote {
                field: Field::Title,
                problem: FieldProblem::Cut(MAX_TITLE)
            },
        ]
    );
}

#[test]
fn a_mobile_number_keeps_what_the_pbx_takes() {
    let mobile = |text: &str| mapped(|user| user.mobile_phone = Some(text.into()));
    assert_eq!(mobile("tel:+41 44 123\u{a0}45 67").fields.mobile, "+41441234567");
    assert_eq!(mobile("(020) 7946-0958 x12").fields.mobile, "(020)7946-0958x12");
    let long = mobile(&"9".repeat(32));
    assert_eq!(long.fields.mobile, "");
    assert_eq!(
        long.notes,
        [FieldNote {
            field: Field::Mobile,
            problem: FieldProblem::TooLong(MAX_MOBILE)
        }]
    );
    let useless = mobile("/ /");
    assert_eq!(
        useless.notes,
        [FieldNote {
            field: Field::Mobile,
            problem: FieldProblem::NothingUsable
        }]
    );
}

// case: 59
#[test]
fn hostile_text_becomes_one_line_and_maps_to_the_same_values_again() {
    let hostile = "Eve\r\nContact: <sip:x@y>;\0 \u{202e}\"Q\" 😀";
    let desired = mapped(|user| {
        user.given_name = Some(hostile.into());
        user.surname = Some("x".repeat(10_240));
    });
    assert_eq!(
        desired.fields.first_name,
        "Eve Contact: <sip:x@y>; \u{202e}\"Q\" 😀"
    );
    assert_eq!(desired.fields.last_name.len(), MAX_NAME);
    let again = mapped(|user| {
        user.given_name = Some(desired.fields.first_name.clone());
        user.surname = Some(desired.fields.last_name.clone());
    });
    assert_eq!(again.fields, desired.fields);
}

/// Values, last digits, reserved ranges, and what is read.
type Row<'a> = (&'a [&'a str], Option<u8>, &'a [&'a str], PropertyNumber);

// spec: 59
#[test]
fn a_property_number_is_the_first_fitting_value() {
    let read = |values: &[&str], last: Option<u8>, reserved: &[&str]| {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        let reserved: Vec<NumberRange> = reserved
            .iter()
            .map(|range| NumberRange::parse(range).unwrap())
            .collect();
        number_from_property(&values, last, &reserved)
    };
    let found = |number: &str| PropertyNumber::Found(ExtensionNumber::parse(number).unwrap());
    let rows: &[Row<'_>] = &[
        (&["2001"], None, &[], found("2001")),
        (&[" 0042 "], None, &[], found("0042")),
        (&["+44 20 7946 2001"], None, &[], PropertyNumber::NoneFits),
        (&["+44 20 7946 2001"], Some(4), &[], found("2001")),
        (&["12"], Some(4), &[], PropertyNumber::NoneFits),
        (&["n/a", "2005"], None, &[], found("2005")),
        (&["2001", "2002"], None, &["2001"], found("2002")),
        (&["2001"], None, &["2000-2010"], PropertyNumber::NoneFits),
        (&[], None, &[], PropertyNumber::Empty),
        (&["", "  "], Some(4), &[], PropertyNumber::Empty),
    ];
    for (values, last, reserved, expected) in rows {
        assert_eq!(
            read(values, *last, reserved),
            *expected,
            "{values:?} {last:?} {reserved:?}"
        );
    }
}
