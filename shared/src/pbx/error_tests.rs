//! Every error class of the PBX, and what it becomes for a read and for a write.

use serde_json::json;

use super::*;
use crate::pbx::wire::decode;

fn refusal(body: &Value) -> Refusal {
    let envelope: Envelope = decode(body.to_string().as_bytes()).unwrap();
    Refusal::of(&envelope)
}

fn explained(code: i64, effect: Effect) -> PhoneSystemError {
    Fault::Refused(refusal(&json!({ "errcode": code, "errmsg": "WORDS" }))).explain("extension/x", effect)
}

#[test]
fn every_class_of_refusal_keeps_its_meaning() {
    use PhoneSystemError as E;
    for effect in [Effect::Read, Effect::Write] {
        for code in [40001, 40002, 60101, 70120] {
            assert!(matches!(explained(code, effect), E::Invalid { .. }), "{code}");
        }
        assert!(matches!(explained(40003, effect), E::Conflict { .. }));
        assert!(matches!(explained(60001, effect), E::NotFound));
        assert!(matches!(explained(60002, effect), E::CapacityReached));
        assert!(matches!(explained(10001, effect), E::NotInThisFirmware { .. }));
        assert!(matches!(explained(70082, effect), E::Unavailable { .. }));
        for code in [-1, 10002, 10004, 10005, 10009, 70084, 70510, 99999] {
            assert!(matches!(explained(code, effect), E::Unexpected { .. }), "{code}");
        }
    }
}

#[test]
fn a_server_fault_is_unavailable_for_reads_and_unknown_for_writes() {
    use PhoneSystemError as E;
    assert!(matches!(explained(-2, Effect::Read), E::Unavailable { .. }));
    for code in [-2, 1, 2] {
        assert!(
            matches!(explained(code, Effect::Write), E::OutcomeUnknown { .. }),
            "{code}"
        );
    }
    let lost = || Fault::Lost("cut".into());
    assert!(matches!(lost().explain("x", Effect::Read), E::Unavailable { .. }));
    assert!(matches!(
        lost().explain("x", Effect::Write),
        E::OutcomeUnknown { .. }
    ));
    let garbled = || Fault::Garbled("not JSON".to_owned());
    assert!(matches!(
        garbled().explain("x", Effect::Read),
        E::Unexpected { .. }
    ));
    assert!(matches!(
        garbled().explain("x", Effect::Write),
        E::OutcomeUnknown { .. }
    ));
}

#[test]
fn a_blamed_key_is_found_wherever_it_stands() {
    for list in [
        json!([{ "param": "email_addr", "value": "x" }]),
        json!([{ "email_addr": "bad" }]),
        json!([{ "value": "The parameter email_addr is invalid." }]),
        json!(["email_addr"]),
    ] {
        let refusal =
            refusal(&json!({ "errcode": 40002, "errmsg": "PARAMETER ERROR", "invalid_param_list": list }));
        assert_eq!(refusal.field.as_deref(), Some("email_addr"), "{list}");
    }
    let said = refusal(&json!({ "errcode": 40002, "errmsg": "The parameter email_addr is invalid." }));
    assert_eq!(said.field.as_deref(), Some("email_addr"));
    let unnamed = refusal(&json!({ "errcode": "40002" }));
    assert_eq!((unnamed.code, unnamed.field), (40002, None));
}

/// Case 63: a refusal repeats the value it dislikes; that value stays out of the error.
#[test]
fn refused_values_do_not_enter_the_error() {
    // case: 63
    let body = json!({
        "errcode": 40002, "errmsg": "PARAMETER ERROR\r\nX: y",
        "invalid_param_list": [{ "param": "email_addr", "value": "ana@example.com" }],
    });
    let error = Fault::Refused(refusal(&body)).explain("extension/create", Effect::Write);
    let shown = format!("{error} {error:?}");
    assert!(
        shown.contains("email_addr") && !shown.contains("ana@") && !shown.contains('\r'),
        "{shown}"
    );
}
