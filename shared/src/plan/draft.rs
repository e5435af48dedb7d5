//! First look at each person alone: what they should have against what they have. Addresses and numbers, which people
//! compete for, are settled afterwards.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::binding::{Binding, BoundExtension, LeavingCause, Stage};
use crate::domain::entra_user::EntraUser;
use crate::domain::extension::{Extension, ExtensionRow, FieldsDigest};
use crate::domain::ids::{EntraUserId, ExtensionId};
use crate::domain::mapping::{FieldNote, desired_fields};
use crate::domain::number::ExtensionNumber;
use crate::domain::operation_record::Reason;
use crate::domain::settings::DeleteWhen;

use super::compare;
use super::operation::{Change, Operation, Skipped};
use super::snapshot::{Policy, World};
use super::standing::{self, Standing};

/// What is known of one person so far.
#[derive(Debug, Clone)]
pub(super) enum Draft<'w> {
    /// An operation.
    Do(Box<Operation>),
    /// Left alone.
    Skip(Box<Skipped>),
    /// In step, perhaps with a remark.
    InStep { remark: Option<Box<Skipped>> },
    /// Needs an extension: an address to claim, then a number.
    Newcomer(Newcomer<'w>),
}

impl Draft<'_> {
    /// Leaves a person alone.
    pub fn left_alone(skipped: Skipped) -> Self {
        Self::Skip(Box::new(skipped))
    }
}

/// A person who needs an extension.
#[derive(Debug, Clone)]
pub(super) struct Newcomer<'w> {
    pub user: &'w EntraUser,
    /// The number they had or were about to get.
    pub keep: Option<ExtensionNumber>,
    pub reason: Reason,
    pub relies_on: Vec<EntraUserId>,
}

impl Newcomer<'_> {
    pub fn skip(&self, reason: Reason, detail: String) -> Skipped {
        Skipped {
            user: self.user.id,
            name: name_of(self.user),
            reason,
            detail,
            number: None,
        }
    }

    /// What becomes of a newcomer whom numbering left over.
    pub fn without_number(&self) -> Skipped {
        self.skip(Reason::NoNumber, "no free number is left".to_owned())
    }
}

/// How reports call a person.
pub(super) fn name_of(user: &EntraUser) -> String {
    let joined = [user.given_name.as_deref(), user.surname.as_deref()];
    let joined = joined.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let candidates = [
        user.display_name.as_deref(),
        Some(joined.trim()),
        user.user_principal_name.as_deref(),
    ];
    let name = candidates
        .into_iter()
        .flatten()
        .find(|name| !name.trim().is_empty());
    name.map_or_else(|| user.id.to_string(), str::to_owned)
}

impl World {
    /// How reports call somebody else: an admin looks for a name, not for an id.
    pub(super) fn name_of(&self, id: EntraUserId) -> String {
        let user = self.directory.users.get(&id).map(name_of);
        user.or_else(|| self.bindings.get(&id).map(|binding| binding.name.clone()))
            .unwrap_or_else(|| id.to_string())
    }
}

/// Notes on fields as sentences.
pub(super) fn note_texts(notes: &[FieldNote]) -> Vec<String> {
    notes.iter().map(FieldNote::text).collect()
}

/// Drafts for everyone seen or known to be absent.
pub(super) fn all<'w>(world: &'w World, policy: &Policy) -> BTreeMap<EntraUserId, Draft<'w>> {
    let bound = world
        .bindings
        .keys()
        .copied()
        .filter(|user| world.directory.coverage.covers(*user));
    let people: BTreeSet<EntraUserId> = world.directory.users.keys().copied().chain(bound).collect();
    people
        .into_iter()
        .filter_map(|id| Some((id, of(id, world, policy)?)))
        .collect()
}

fn of<'w>(id: EntraUserId, world: &'w World, policy: &Policy) -> Option<Draft<'w>> {
    let binding = world.bindings.get(&id);
    let Some(user) = world.directory.users.get(&id) else {
        return binding.map(|binding| leaving(binding, LeavingCause::AccountDeleted, world, policy));
    };
    let standing = standing::of_present(user, binding.is_some(), &world.directory, &policy.users);
    Some(match (standing, binding) {
        (Standing::Wanted, Some(binding)) => wanted_bound(user, binding, world, policy),
        (Standing::Wanted, None) => newcomer(user, None, Reason::NewInScope),
        (Standing::Leaving(cause), Some(binding)) => leaving(binding, cause, world, policy),
        (Standing::Leaving(_), None) => return None,
        (Standing::NotWanted(reason), _) => Draft::Skip(Box::new(Skipped {
            user: id,
            name: name_of(user),
            reason,
            detail: String::new(),
            number: None,
        })),
    })
}

fn newcomer(user: &EntraUser, keep: Option<ExtensionNumber>, reason: Reason) -> Draft<'_> {
    Draft::Newcomer(Newcomer {
        user,
        keep,
        reason,
        relies_on: Vec::new(),
    })
}

fn wanted_bound<'w>(user: &'w EntraUser, binding: &Binding, world: &'w World, policy: &Policy) -> Draft<'w> {
    match ours(binding, Some(user), world, policy) {
        Found::Ours {
            bound,
            extension,
            recovered,
        } => compare::person(
            user,
            binding,
            &bound,
            extension,
            &compare::Context { recovered, policy },
        ),
        Found::Gone => newcomer(user, Some(binding.number.clone()), gone_reason(binding)),
        Found::NotRead => Draft::InStep { remark: None },
    }
}

fn gone_reason(binding: &Binding) -> Reason {
    match binding.stage {
        Stage::Intended { .. } => Reason::NewInScope,
        Stage::Bound(_) | Stage::Leaving { .. } => Reason::DeletedOnPbx,
    }
}

/// Whether the extension of a binding is still there, and is still the same one.
pub(super) enum Found<'w> {
    Ours {
        bound: BoundExtension,
        extension: &'w Extension,
        recovered: bool,
    },
    Gone,
    /// This run did not look.
    NotRead,
}

pub(super) fn ours<'w>(
    binding: &Binding,
    user: Option<&EntraUser>,
    world: &'w World,
    policy: &Policy,
) -> Found<'w> {
    match &binding.stage {
        Stage::Intended { wanted, .. } => intended(binding, *wanted, user, world, policy),
        Stage::Bound(bound) | Stage::Leaving { bound, .. } => {
            match world.phone_system.details.get(&bound.extension) {
                Some(extension) if is_same(binding, bound, extension) => Found::Ours {
                    bound: bound.clone(),
                    extension,
                    recovered: false,
                },
                Some(_) => Found::Gone,
                None => absent(world, |rows| rows.contains_key(&bound.extension)),
            }
        }
    }
}

/// Of an extension that was not read in full: whether the list, if there is one, shows it all the same. Then it is not gone,
/// whatever the reason that it was not read.
fn absent<'w>(world: &World, shows_it: impl Fn(&BTreeMap<ExtensionId, ExtensionRow>) -> bool) -> Found<'w> {
    match &world.phone_system.rows {
        Some(rows) if !shows_it(rows) => Found::Gone,
        _ => Found::NotRead,
    }
}

/// An extension that carries neither the number nor the values we know is somebody else's: a PBX that was set up anew
/// gives the same keys again.
fn is_same(binding: &Binding, bound: &BoundExtension, extension: &Extension) -> bool {
    extension.number == binding.number.as_str() || FieldsDigest::of(&extension.fields) == bound.written
}

/// A create was about to be sent: it happened if an extension with that number has the values, or at least the address,
/// that it was to get.
fn intended<'w>(
    binding: &Binding,
    wanted: FieldsDigest,
    user: Option<&EntraUser>,
    world: &'w World,
    policy: &Policy,
) -> Found<'w> {
    if world.phone_system.rows.is_none() {
        return Found::NotRead;
    }
    let details = &world.phone_system.details;
    let Some(extension) = details.values().find(|e| e.number == binding.number.as_str()) else {
        return absent(world, |rows| {
            rows.values().any(|row| row.number == binding.number.as_str())
        });
    };
    let address = user
        .map(|user| desired_fields(user, &binding.number).fields.email)
        .unwrap_or_default();
    let same_address = !address.is_empty() && extension.fields.email.eq_ignore_ascii_case(&address);
    let digest = FieldsDigest::of(&extension.fields);
    if digest != wanted && !same_address {
        return Found::Gone;
    }
    let bound = BoundExtension {
        extension: extension.id,
        written: digest,
        bound_at: policy.now,
        written_at: policy.now,
    };
    Found::Ours {
        bound,
        extension,
        recovered: true,
    }
}

fn leaving<'w>(binding: &Binding, cause: LeavingCause, world: &World, policy: &Policy) -> Draft<'w> {
    match ours(binding, None, world, policy) {
        Found::Ours { bound, extension, .. } => depart(binding, cause, &bound, extension, policy),
        // Nothing of ours is on the PBX; what remains is our record.
        Found::Gone => operation(
            binding,
            Change::Delete {
                extension: None,
                before: None,
            },
            reason_of(cause),
        ),
        Found::NotRead => Draft::InStep { remark: None },
    }
}

fn depart<'w>(
    binding: &Binding,
    cause: LeavingCause,
    bound: &BoundExtension,
    extension: &Extension,
    policy: &Policy,
) -> Draft<'w> {
    let delete = match cause {
        LeavingCause::AccountDisabled => policy.users.delete_when.contains(&DeleteWhen::Disabled),
        LeavingCause::AccountDeleted => policy.users.delete_when.contains(&DeleteWhen::Deleted),
        LeavingCause::OutOfScope => policy.users.delete_when_out_of_scope,
    };
    let marked_since = match &binding.stage {
        Stage::Leaving { since, .. } => Some(*since),
        Stage::Intended { .. } | Stage::Bound(_) => None,
    };
    if !delete && cause == LeavingCause::OutOfScope {
        return operation(
            binding,
            Change::Release {
                extension: bound.extension,
            },
            Reason::OutOfScope,
        );
    }
    if !delete {
        return kept(binding, cause, bound, marked_since.is_some());
    }
    let grace = jiff::SignedDuration::from_hours(24 * i64::from(policy.users.delete_grace_days));
    let over = |since: jiff::Timestamp| policy.now.duration_since(since) >= grace;
    match marked_since {
        None if !grace.is_zero() => mark(binding, cause, bound, Reason::GracePeriod),
        Some(since) if !over(since) => {
            Draft::left_alone(skip_bound(binding, Reason::GracePeriod, grace_text(since, grace)))
        }
        _ => {
            let before = Some(extension.fields.clone());
            operation(
                binding,
                Change::Delete {
                    extension: Some(extension.id),
                    before,
                },
                reason_of(cause),
            )
        }
    }
}

fn grace_text(since: jiff::Timestamp, grace: jiff::SignedDuration) -> String {
    let ends = since.checked_add(grace).unwrap_or(jiff::Timestamp::MAX);
    format!("the extension is deleted after {ends}")
}

fn kept<'w>(binding: &Binding, cause: LeavingCause, bound: &BoundExtension, marked: bool) -> Draft<'w> {
    if marked {
        return Draft::left_alone(skip_bound(binding, Reason::Kept, String::new()));
    }
    mark(binding, cause, bound, Reason::Kept)
}

fn mark<'w>(binding: &Binding, cause: LeavingCause, bound: &BoundExtension, reason: Reason) -> Draft<'w> {
    operation(
        binding,
        Change::MarkLeaving {
            bound: bound.clone(),
            cause,
        },
        reason,
    )
}

fn reason_of(cause: LeavingCause) -> Reason {
    match cause {
        LeavingCause::AccountDisabled => Reason::AccountDisabled,
        LeavingCause::AccountDeleted => Reason::AccountDeleted,
        LeavingCause::OutOfScope => Reason::OutOfScope,
    }
}

/// An operation on what is bound already.
pub(super) fn operation<'w>(binding: &Binding, change: Change, reason: Reason) -> Draft<'w> {
    Draft::Do(Box::new(Operation {
        user: binding.user,
        name: binding.name.clone(),
        number: binding.number.clone(),
        change,
        reason,
        welcome: false,
        notes: Vec::new(),
        relies_on: Vec::new(),
        phase: 0,
    }))
}

/// Leaves a person with an extension alone.
pub(super) fn skip_bound(binding: &Binding, reason: Reason, detail: String) -> Skipped {
    Skipped {
        user: binding.user,
        name: binding.name.clone(),
        reason,
        detail,
        number: Some(binding.number.clone()),
    }
}
