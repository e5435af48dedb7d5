//! Who gets which mail address: no two extensions may have one, and an extension that is not bound is taken over only
//! when exactly one fits.

use std::collections::BTreeMap;

use crate::domain::entra_user::EntraUser;
use crate::domain::extension::{Extension, OwnedFields};
use crate::domain::ids::{EntraUserId, ExtensionId};
use crate::domain::mapping::{address_key, desired_fields};
use crate::domain::number::ExtensionNumber;
use crate::domain::operation_record::Reason;

use super::by_address::ByAddress;
use super::draft::{Draft, Newcomer, note_texts};
use super::operation::{Change, Operation, Skipped};
use super::snapshot::{Policy, World};

type Drafts<'w> = BTreeMap<EntraUserId, Draft<'w>>;

/// Settles every claim to an address.
pub(super) fn addresses<'w>(drafts: Drafts<'w>, world: &'w World, policy: &Policy) -> Drafts<'w> {
    let register = Register::new(&drafts, world);
    let settle = |(id, draft): (EntraUserId, Draft<'w>)| {
        let draft = match draft {
            Draft::Newcomer(newcomer) => register.newcomer(newcomer, policy),
            Draft::Do(operation) => register.bound(*operation),
            other => other,
        };
        (id, draft)
    };
    drafts.into_iter().map(settle).collect()
}

/// Who wants an address and who has it.
struct Register<'w> {
    world: &'w World,
    wanted_by: ByAddress<EntraUserId>,
    held_by: ByAddress<ExtensionId>,
    owners: BTreeMap<ExtensionId, EntraUserId>,
    /// The address each owner has after this plan; none when their extension is deleted.
    given_up: BTreeMap<EntraUserId, Option<String>>,
    numbers: BTreeMap<&'w ExtensionNumber, EntraUserId>,
}

/// What stands between a person and an address.
enum Claim {
    Free {
        relies_on: Vec<EntraUserId>,
    },
    /// One extension nobody owns has it.
    Unbound(ExtensionId),
    /// Several have it.
    Ambiguous(usize),
    /// Somebody else wants or has it; says who.
    Taken(String),
}

impl<'w> Register<'w> {
    fn new(drafts: &Drafts<'w>, world: &'w World) -> Self {
        let bound = world
            .bindings
            .values()
            .filter_map(|b| Some((b.bound()?.extension, b.user)));
        let mut register = Self {
            world,
            wanted_by: ByAddress::default(),
            held_by: ByAddress::default(),
            owners: bound.collect(),
            given_up: BTreeMap::new(),
            numbers: world.bindings.values().map(|b| (&b.number, b.user)).collect(),
        };
        for (id, draft) in drafts {
            if let Some(address) = register.wanted_address(*id, draft) {
                register.wanted_by.put(&address, *id);
            }
            if let Draft::Do(operation) = draft {
                register.note_operation(operation);
            }
        }
        for (extension, _, email) in world.phone_system.listed() {
            if !email.is_empty() {
                register.held_by.put(&email.to_ascii_lowercase(), extension);
            }
        }
        register.held_by.sort();
        register.wanted_by.sort();
        register
    }

    fn note_operation(&mut self, operation: &Operation) {
        // An extension recognised from an unfinished create has an owner before it has a finished binding.
        self.owners
            .extend(operation.extension().map(|extension| (extension, operation.user)));
        let address_after = match &operation.change {
            Change::Delete {
                extension: Some(_), ..
            } => None,
            Change::Update { after, .. } => Some(after.email.to_ascii_lowercase()),
            _ => return,
        };
        self.given_up.insert(operation.user, address_after);
    }

    /// The address a person will have if nothing stands in the way.
    fn wanted_address(&self, id: EntraUserId, draft: &Draft<'_>) -> Option<String> {
        let stays = match draft {
            Draft::Newcomer(_) | Draft::InStep { .. } => true,
            Draft::Do(operation) => {
                !operation.is_removal() && !matches!(operation.change, Change::MarkLeaving { .. })
            }
            Draft::Skip(_) => false,
        };
        let user = self.world.directory.users.get(&id)?;
        if stays { address_key(user) } else { None }
    }

    fn has_now(&self, id: EntraUserId, address: &str) -> bool {
        self.holders(address)
            .any(|extension| self.owners.get(&extension) == Some(&id))
    }

    /// Extensions that have this address.
    fn holders(&self, address: &str) -> impl Iterator<Item = ExtensionId> {
        let candidates = self.held_by.candidates(address);
        candidates.filter(|extension| {
            self.world
                .phone_system
                .address_of(*extension)
                .eq_ignore_ascii_case(address)
        })
    }

    /// People in scope who want this address.
    fn wanting(&self, address: &str) -> impl Iterator<Item = EntraUserId> {
        let wants = |id: &EntraUserId| {
            let user = self.world.directory.users.get(id);
            user.and_then(address_key).as_deref() == Some(address)
        };
        self.wanted_by.candidates(address).filter(wants)
    }

    fn claim(&self, id: EntraUserId, address: &str) -> Claim {
        if let Some(rival) = self.rival(id, address) {
            return Claim::Taken(rival);
        }
        let mut relies_on = Vec::new();
        let mut unbound = Vec::new();
        for extension in self.holders(address) {
            match self.owners.get(&extension) {
                Some(owner) if *owner == id => {}
                Some(owner) if self.gives_up(*owner, address) => relies_on.push(*owner),
                Some(owner) => {
                    return Claim::Taken(format!(
                        "the extension of {} has this address",
                        self.world.name_of(*owner)
                    ));
                }
                None => unbound.push(extension),
            }
        }
        match unbound.as_slice() {
            [] => Claim::Free { relies_on },
            [one] if relies_on.is_empty() => Claim::Unbound(*one),
            several => Claim::Ambiguous(several.len() + relies_on.len()),
        }
    }

    /// Somebody else in scope who wants the same address and has the better right to it, or as good a one.
    fn rival(&self, id: EntraUserId, address: &str) -> Option<String> {
        let rivals: Vec<EntraUserId> = self.wanting(address).filter(|other| *other != id).collect();
        if rivals.is_empty() || self.has_now(id, address) {
            return None;
        }
        let holder = rivals.iter().find(|other| self.has_now(**other, address));
        let bound = |who: &EntraUserId| self.world.bindings.get(who).is_some_and(|b| b.bound().is_some());
        let others_bound = rivals.iter().any(bound);
        if holder.is_none() && bound(&id) && !others_bound {
            return None;
        }
        let first = holder.or(rivals.first())?;
        Some(format!(
            "{} has the same address in Entra",
            self.world.name_of(*first)
        ))
    }

    /// Whether this plan takes the address away from its present owner.
    fn gives_up(&self, owner: EntraUserId, address: &str) -> bool {
        self.given_up
            .get(&owner)
            .is_some_and(|after| after.as_deref() != Some(address))
    }

    /// A bound person whose new address is taken keeps the old one; the other fields are brought in step.
    fn bound(&self, mut operation: Operation) -> Draft<'w> {
        let Change::Update { before, after, .. } = &mut operation.change else {
            return Draft::Do(Box::new(operation));
        };
        if after.email.is_empty() || before.email.eq_ignore_ascii_case(&after.email) {
            return Draft::Do(Box::new(operation));
        }
        let obstacle = match self.claim(operation.user, &after.email.to_ascii_lowercase()) {
            Claim::Free { relies_on } => {
                operation.relies_on = relies_on;
                return Draft::Do(Box::new(operation));
            }
            Claim::Unbound(_) => "an extension that is not synced has this address".to_owned(),
            Claim::Ambiguous(count) => format!("{count} extensions have this address"),
            Claim::Taken(who) => who,
        };
        after.email.clone_from(&before.email);
        if before.differing(after).is_empty() {
            return Draft::Skip(Box::new(Skipped {
                user: operation.user,
                name: operation.name,
                reason: Reason::DuplicateMail,
                detail: obstacle,
                number: Some(operation.number),
            }));
        }
        operation
            .notes
            .push(format!("Email Address was kept: {obstacle}"));
        Draft::Do(Box::new(operation))
    }

    fn newcomer(&self, mut newcomer: Newcomer<'w>, policy: &Policy) -> Draft<'w> {
        let Some(address) = address_key(newcomer.user) else {
            return Draft::Newcomer(newcomer);
        };
        match self.claim(newcomer.user.id, &address) {
            Claim::Free { relies_on } => {
                newcomer.relies_on = relies_on;
                Draft::Newcomer(newcomer)
            }
            Claim::Taken(who) => Draft::left_alone(newcomer.skip(Reason::DuplicateMail, who)),
            Claim::Unbound(_) if !policy.users.bind_same_email => {
                let detail =
                    "an extension that is not synced has this address, and taking it over is switched off";
                Draft::left_alone(newcomer.skip(Reason::DuplicateMail, detail.to_owned()))
            }
            Claim::Unbound(extension) => self.take_over(&newcomer, extension),
            Claim::Ambiguous(count) => {
                let detail =
                    format!("{count} extensions have this address; give all but one of them another");
                Draft::left_alone(newcomer.skip(Reason::AmbiguousMatch, detail))
            }
        }
    }

    fn take_over(&self, newcomer: &Newcomer<'w>, id: ExtensionId) -> Draft<'w> {
        let Some(extension) = self.world.phone_system.details.get(&id) else {
            let detail = "the extension with this address could not be read in full".to_owned();
            return Draft::left_alone(newcomer.skip(Reason::AmbiguousMatch, detail));
        };
        let Ok(number) = ExtensionNumber::parse(&extension.number) else {
            let detail = format!(
                "the extension with this address has the number {}",
                extension.number
            );
            return Draft::left_alone(newcomer.skip(Reason::NumberInvalid, detail));
        };
        match self.number_owner(&number, newcomer.user.id) {
            Some(owner) => {
                let detail = format!(
                    "the number of the extension with this address is kept for {}",
                    self.world.name_of(owner)
                );
                Draft::left_alone(newcomer.skip(Reason::NumberTaken, detail))
            }
            None => Draft::Do(Box::new(bind(newcomer.user, number, extension))),
        }
    }

    fn number_owner(&self, number: &ExtensionNumber, except: EntraUserId) -> Option<EntraUserId> {
        self.numbers.get(number).copied().filter(|owner| *owner != except)
    }
}

fn bind(user: &EntraUser, number: ExtensionNumber, extension: &Extension) -> Operation {
    let desired = desired_fields(user, &number);
    let after: OwnedFields = desired.fields;
    Operation {
        user: user.id,
        name: super::draft::name_of(user),
        number,
        change: Change::Bind {
            extension: extension.id,
            before: extension.fields.clone(),
            after,
        },
        reason: Reason::SameMail,
        welcome: false,
        notes: note_texts(&desired.notes),
        relies_on: Vec::new(),
        phase: 0,
    }
}
