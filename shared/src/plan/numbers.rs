//! Which number each newcomer gets: the one they had, the one their property names, or the smallest free one.
//! No number is given twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::EntraUserId;
use crate::domain::mapping::{PropertyNumber, desired_fields, number_from_property};
use crate::domain::number::{ExtensionNumber, NumberRange};
use crate::domain::operation_record::Reason;
use crate::domain::settings::NumberRule;

use super::draft::{Draft, Newcomer, name_of, note_texts};
use super::operation::{Change, Operation};
use super::snapshot::{Policy, World};

type Drafts<'w> = BTreeMap<EntraUserId, Draft<'w>>;

/// Turns newcomers into creates, or skips them with the reason.
pub(super) fn assign<'w>(mut drafts: Drafts<'w>, world: &'w World, policy: &Policy) -> Drafts<'w> {
    let mut newcomers: Vec<Newcomer<'w>> = drafts.values().filter_map(as_newcomer).collect();
    // People read lists by name; numbers given in that order are the ones an admin expects.
    newcomers.sort_by_key(|newcomer| (name_of(newcomer.user).to_lowercase(), newcomer.user.id));
    let mut desk = Desk::new(&drafts, world, policy);
    let (returning, fresh): (Vec<_>, Vec<_>) = newcomers.into_iter().partition(|n| desk.may_keep(n));
    let mut settled: Vec<(EntraUserId, Draft<'w>)> = Vec::new();
    for newcomer in returning {
        settled.push((newcomer.user.id, desk.keep(newcomer)));
    }
    let contested = desk.contested(&fresh);
    for newcomer in fresh {
        settled.push((newcomer.user.id, desk.give(newcomer, &contested)));
    }
    drafts.extend(settled);
    drafts
}

fn as_newcomer<'w>(draft: &Draft<'w>) -> Option<Newcomer<'w>> {
    match draft {
        Draft::Newcomer(newcomer) => Some(newcomer.clone()),
        _ => None,
    }
}

/// Hands out numbers.
struct Desk<'p> {
    rule: &'p NumberRule,
    welcome: bool,
    /// On the PBX, refused by it, or given in this plan.
    used: BTreeSet<ExtensionNumber>,
    /// Kept by a binding.
    kept_for: BTreeMap<ExtensionNumber, EntraUserId>,
    /// Freed by a deletion in this plan.
    freed_by: BTreeMap<ExtensionNumber, EntraUserId>,
    /// Where the search for a free number goes on.
    next: Option<ExtensionNumber>,
    listed: bool,
    world: &'p World,
}

impl<'p> Desk<'p> {
    fn new(drafts: &Drafts<'_>, world: &'p World, policy: &'p Policy) -> Self {
        let listed = world.phone_system.listed();
        let mut used: BTreeSet<ExtensionNumber> = listed
            .filter_map(|(_, number, _)| ExtensionNumber::parse(number).ok())
            .collect();
        used.extend(world.refused_numbers.iter().cloned());
        let kept_for = world
            .bindings
            .values()
            .map(|b| (b.number.clone(), b.user))
            .collect();
        let freed_by = drafts
            .values()
            .filter_map(deletion)
            .filter(|(_, gone, number)| !gone || !used.contains(number));
        let freed_by = freed_by.map(|(user, _, number)| (number, user)).collect();
        let next = match &policy.users.number {
            NumberRule::Automatic { start, .. } => Some(start.clone()),
            NumberRule::Property { .. } => None,
        };
        Self {
            rule: &policy.users.number,
            welcome: policy.users.send_welcome_email,
            used,
            kept_for,
            freed_by,
            next,
            listed: world.phone_system.rows.is_some(),
            world,
        }
    }

    fn may_keep(&self, newcomer: &Newcomer<'_>) -> bool {
        newcomer
            .keep
            .as_ref()
            .is_some_and(|number| !self.used.contains(number))
    }

    fn keep<'w>(&mut self, newcomer: Newcomer<'w>) -> Draft<'w> {
        match newcomer.keep.clone() {
            Some(number) => self.create(&newcomer, number, Vec::new()),
            None => Draft::Newcomer(newcomer),
        }
    }

    /// Numbers that more than one newcomer's property names.
    fn contested(&self, newcomers: &[Newcomer<'_>]) -> BTreeSet<ExtensionNumber> {
        let mut seen = BTreeSet::new();
        let named = newcomers
            .iter()
            .filter_map(|newcomer| match self.named(newcomer) {
                Some(PropertyNumber::Found(number)) => Some(number),
                _ => None,
            });
        named.filter(|number| !seen.insert(number.clone())).collect()
    }

    fn named(&self, newcomer: &Newcomer<'_>) -> Option<PropertyNumber> {
        match self.rule {
            NumberRule::Automatic { .. } => None,
            NumberRule::Property {
                last_digits,
                reserved,
                ..
            } => Some(number_from_property(
                &newcomer.user.number_values,
                *last_digits,
                reserved,
            )),
        }
    }

    fn give<'w>(&mut self, newcomer: Newcomer<'w>, contested: &BTreeSet<ExtensionNumber>) -> Draft<'w> {
        if !self.listed {
            // Without the list of extensions no number is known to be free; the next full run decides.
            return Draft::left_alone(
                newcomer.skip(Reason::NoNumber, "the extensions were not listed".to_owned()),
            );
        }
        match self.named(&newcomer) {
            None => match self.smallest_free() {
                Some(number) => self.create(&newcomer, number, Vec::new()),
                None => Draft::Newcomer(newcomer),
            },
            Some(PropertyNumber::Found(number)) => self.by_property(&newcomer, number, contested),
            Some(PropertyNumber::Empty) => {
                Draft::left_alone(newcomer.skip(Reason::NoNumber, self.property_text("is empty")))
            }
            Some(PropertyNumber::NoneFits) => {
                let detail =
                    self.property_text("holds no number that may be given: 1 to 8 digits, not reserved");
                Draft::left_alone(newcomer.skip(Reason::NumberInvalid, detail))
            }
        }
    }

    fn property_text(&self, what: &str) -> String {
        format!("{} {what}", self.rule.property().unwrap_or("the property"))
    }

    fn by_property<'w>(
        &mut self,
        newcomer: &Newcomer<'w>,
        number: ExtensionNumber,
        contested: &BTreeSet<ExtensionNumber>,
    ) -> Draft<'w> {
        let taken = |detail: String| Draft::left_alone(newcomer.skip(Reason::NumberTaken, detail));
        if contested.contains(&number) {
            return taken(format!("more than one person asks for {number}"));
        }
        if let Some(leaver) = self.freed_by.get(&number).copied() {
            return self.create(newcomer, number, vec![leaver]);
        }
        match self.kept_for.get(&number) {
            Some(owner) if *owner != newcomer.user.id => {
                taken(format!("{number} is kept for {}", self.world.name_of(*owner)))
            }
            _ if self.used.contains(&number) => taken(format!("{number} is in use on the PBX")),
            _ => self.create(newcomer, number, Vec::new()),
        }
    }

    fn smallest_free(&mut self) -> Option<ExtensionNumber> {
        let reserved = self.rule.reserved();
        loop {
            let candidate = self.next.take()?;
            self.next = candidate.successor();
            if self.is_free(&candidate, reserved) {
                return Some(candidate);
            }
        }
    }

    fn is_free(&self, number: &ExtensionNumber, reserved: &[NumberRange]) -> bool {
        !self.used.contains(number)
            && !self.kept_for.contains_key(number)
            && !reserved.iter().any(|range| range.contains(number))
    }

    fn create<'w>(
        &mut self,
        newcomer: &Newcomer<'w>,
        number: ExtensionNumber,
        frees_number: Vec<EntraUserId>,
    ) -> Draft<'w> {
        self.used.insert(number.clone());
        let desired = desired_fields(newcomer.user, &number);
        let mut relies_on = newcomer.relies_on.clone();
        relies_on.extend(frees_number);
        relies_on.sort_unstable();
        relies_on.dedup();
        Draft::Do(Box::new(Operation {
            user: newcomer.user.id,
            name: name_of(newcomer.user),
            number,
            // A re-made extension is no news to the person.
            welcome: self.welcome
                && newcomer.reason == Reason::NewInScope
                && !desired.fields.email.is_empty(),
            change: Change::Create {
                fields: desired.fields,
            },
            reason: newcomer.reason,
            notes: note_texts(&desired.notes),
            relies_on,
            phase: 0,
        }))
    }
}

/// Who is deleted, whether nothing but our record of them remains, and the number that becomes free.
fn deletion(draft: &Draft<'_>) -> Option<(EntraUserId, bool, ExtensionNumber)> {
    match draft {
        Draft::Do(operation) => match &operation.change {
            Change::Delete { extension, .. } => {
                Some((operation.user, extension.is_none(), operation.number.clone()))
            }
            _ => None,
        },
        _ => None,
    }
}
