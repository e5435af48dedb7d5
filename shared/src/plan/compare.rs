//! One person against the extension they have: the fields that differ, and whether Entra or the PBX moved.

use crate::domain::binding::{Binding, BoundExtension, Stage};
use crate::domain::entra_user::EntraUser;
use crate::domain::extension::{Extension, FieldsDigest, OwnedFields};
use crate::domain::mapping::{DesiredFields, PropertyNumber, desired_fields, number_from_property};
use crate::domain::number::ExtensionNumber;
use crate::domain::operation_record::Reason;
use crate::domain::settings::NumberRule;

use super::draft::{Draft, name_of, note_texts};
use super::operation::{Change, Operation, Skipped};
use super::snapshot::Policy;

/// What else the comparison depends on.
pub(super) struct Context<'p> {
    /// The extension was recognised as the result of an unfinished create.
    pub recovered: bool,
    pub policy: &'p Policy,
}

/// The operation that brings the extension in step, or none.
pub(super) fn person<'w>(
    user: &EntraUser,
    binding: &Binding,
    bound: &BoundExtension,
    extension: &Extension,
    context: &Context<'_>,
) -> Draft<'w> {
    // A number changed by hand in the portal is the extension's number from then on.
    let number = ExtensionNumber::parse(&extension.number).unwrap_or_else(|_| binding.number.clone());
    let DesiredFields { fields: after, notes } = desired_fields(user, &number);
    let mut texts = note_texts(&notes);
    let number_remark = number_change(user, &number, &context.policy.users.number);
    let change = if extension.fields.differing(&after).is_empty() {
        let stale = bound.written != FieldsDigest::of(&after)
            || number != binding.number
            || context.recovered
            || matches!(binding.stage, Stage::Leaving { .. });
        stale.then(|| Change::Note {
            bound: bound.clone(),
            fields: extension.fields.clone(),
        })
    } else {
        Some(Change::Update {
            bound: bound.clone(),
            before: extension.fields.clone(),
            after: after.clone(),
        })
    };
    let Some(change) = change else {
        return in_step(user, &number, texts, number_remark);
    };
    texts.extend(number_remark);
    let reason = reason(binding, bound, &after, context.recovered);
    Draft::Do(Box::new(Operation {
        user: user.id,
        name: name_of(user),
        number,
        change,
        reason,
        // Whether an earlier, unfinished create still sent the mail is not known; a second one does less harm than none.
        welcome: context.recovered
            && context.policy.users.send_welcome_email
            && !extension.fields.email.is_empty(),
        notes: texts,
        relies_on: Vec::new(),
        phase: 0,
    }))
}

fn reason(binding: &Binding, bound: &BoundExtension, after: &OwnedFields, recovered: bool) -> Reason {
    if recovered {
        Reason::Recovered
    } else if matches!(binding.stage, Stage::Leaving { .. }) {
        Reason::Returned
    } else if bound.written == FieldsDigest::of(after) {
        Reason::Drift
    } else {
        Reason::AttributesChanged
    }
}

fn in_step<'w>(
    user: &EntraUser,
    number: &ExtensionNumber,
    notes: Vec<String>,
    number_remark: Option<String>,
) -> Draft<'w> {
    let reason = if number_remark.is_some() {
        Reason::NumberChanged
    } else {
        Reason::FieldInvalid
    };
    let sentences: Vec<String> = number_remark.into_iter().chain(notes).collect();
    let remark = (!sentences.is_empty()).then(|| {
        Box::new(Skipped {
            user: user.id,
            name: name_of(user),
            reason,
            detail: sentences.join("; "),
            number: Some(number.clone()),
        })
    });
    Draft::InStep { remark }
}

/// An extension's number never changes by itself; a property that says another one is reported.
fn number_change(user: &EntraUser, number: &ExtensionNumber, rule: &NumberRule) -> Option<String> {
    let NumberRule::Property {
        name,
        last_digits,
        reserved,
    } = rule
    else {
        return None;
    };
    match number_from_property(&user.number_values, *last_digits, reserved) {
        PropertyNumber::Found(other) if other != *number => Some(format!(
            "{name} now says {other}; the extension keeps its number {number}"
        )),
        PropertyNumber::Found(_) | PropertyNumber::Empty | PropertyNumber::NoneFits => None,
    }
}
