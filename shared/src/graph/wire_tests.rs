//! Pages as Graph writes them.

use super::*;

const ID: &str = "5f7a0000-0000-0000-0000-000000000001";

fn one(fields: &str, number: Option<&str>) -> UserChange {
    let path = number.map(|path| NumberPath::parse(path).unwrap());
    let body = format!(r#"{{"@odata.context":"x","value":[{{"id":"{ID}"{fields}}}]}}"#);
    user_page(body.as_bytes(), path.as_ref()).unwrap().items.remove(0)
}

fn present(fields: &str, number: Option<&str>) -> EntraUser {
    match one(fields, number) {
        UserChange::Present(user) => *user,
        UserChange::Removed(_) => panic!("removed"),
    }
}

#[test]
fn a_user_is_read_whole() {
    let user = present(
        r#","displayName":"A \"Q\" Ünal","mail":null,"mobilePhone":"","userType":"guest","accountEnabled":false,
           "jobTitle":"Chief","extra":{"deep":[1]},"surname":"Q""#,
        None,
    );
    assert_eq!(user.display_name.as_deref(), Some("A \"Q\" Ünal"));
    assert_eq!(
        (user.mail, user.mobile_phone, user.given_name),
        (None, None, None)
    );
    assert_eq!(user.surname.as_deref(), Some("Q"));
    assert_eq!((user.user_type, user.account_enabled), (UserType::Guest, false));
}

#[test]
fn a_null_user_type_is_a_member_and_absence_switches_nobody_off() {
    let user = present(r#","userType":null"#, None);
    assert_eq!((user.user_type, user.account_enabled), (UserType::Member, true));
}

#[test]
fn a_number_property_that_is_read_anyway_keeps_its_place() {
    let user = present(r#","mobilePhone":"+41 7""#, Some("mobilePhone"));
    assert_eq!(user.mobile_phone.as_deref(), Some("+41 7"));
    assert_eq!(user.number_values, ["+41 7"]);
    let nested = present(
        r#","onPremisesExtensionAttributes":{"extensionAttribute1":"2001"}"#,
        Some("onPremisesExtensionAttributes.extensionAttribute1"),
    );
    assert_eq!(nested.number_values, ["2001"]);
}

#[test]
fn both_kinds_of_removal_are_removals() {
    for reason in ["changed", "deleted"] {
        let change = one(&format!(r#","@removed":{{"reason":"{reason}"}}"#), None);
        assert!(matches!(change, UserChange::Removed(id) if id.to_string() == ID));
    }
}

#[test]
fn what_is_no_page_is_an_error() {
    for body in [
        "{}",
        "[]",
        r#"{"value":null}"#,
        r#"{"value":[{"displayName":"x"}]}"#,
        r#"{"value":[{"id":"1"}]}"#,
        r#"{"value":[]"#,
        r#"{"value":[]} x"#,
        "<html>",
        "",
    ] {
        assert!(user_page(body.as_bytes(), None).is_err(), "{body}");
    }
}
