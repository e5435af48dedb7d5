//! Writing bindings. A person's binding and the number it holds change in one transaction, which also proves that the
//! lease is still ours: no two people ever hold one number, and no older run writes over a newer one.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::binding_rows::{BindingInTheWay, NumberRow, binding_row};
use super::error::StoreError;
use super::item::{Row, body, number, row, text};
use super::keys::Key;
use super::write::{Expression, Refusals};
use super::{Lease, Store};
use crate::domain::binding::Binding;
use crate::domain::ids::EntraUserId;
use crate::domain::number::ExtensionNumber;
use crate::domain::operation_record::{OperationKind, OperationRecord};

/// What became of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserve {
    /// The number is the person's.
    Reserved,
    /// Another person holds it. Nothing was written.
    NumberTaken(EntraUserId),
}

/// Places in the transactions of this file.
const LEASE: usize = 0;
const BINDING: usize = 1;
const NUMBER: usize = 2;
const OLD_NUMBER: usize = 3;

/// A binding may be found with another number once, and that one with somebody else once; more often means that another
/// process is writing it.
const TRIES: usize = 4;

/// What is known of the binding before it is written.
#[derive(Clone)]
enum Before {
    /// There is none, or it has the same number.
    SameNumber,
    /// It is there with the same number and name, so whoever holds the number needs no write.
    NumberHeld,
    /// It has this other number, to be freed.
    Other(ExtensionNumber),
    /// It has this other number, which somebody else holds by now.
    OtherGone(ExtensionNumber),
}

/// By which right a binding gets a number that it did not have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Right {
    /// Nobody else holds it.
    Free,
    /// The PBX showed the person's extension with it, so whoever else holds it by our record does so no more.
    Seen,
}

impl Store {
    /// Holds a number for a person before an extension is made. The same again is fine; another number frees the old one.
    /// [`StoreError::Conflict`]: the lease is lost.
    pub async fn reserve(&self, lease: &Lease, binding: &Binding) -> Result<Reserve, StoreError> {
        match self
            .write_binding(lease, binding, None, "reserving a number")
            .await
        {
            Ok(()) => Ok(Reserve::Reserved),
            Err(StoreError::NumberTaken { holder }) => Ok(Reserve::NumberTaken(holder)),
            Err(error) => Err(error),
        }
    }

    /// Stores a binding as it is now, with the record of what was done. Holds the number if it was not held yet:
    /// [`StoreError::NumberTaken`] if another person does, unless an update says that the extension was seen with another
    /// number than before. [`StoreError::Conflict`]: the lease is lost.
    pub async fn confirm(
        &self,
        lease: &Lease,
        binding: &Binding,
        record: &OperationRecord,
    ) -> Result<(), StoreError> {
        self.write_binding(lease, binding, Some(record), "storing a binding")
            .await
    }

    async fn write_binding(
        &self,
        lease: &Lease,
        binding: &Binding,
        record: Option<&OperationRecord>,
        doing: &'static str,
    ) -> Result<(), StoreError> {
        let (mut before, right) = match record {
            Some(record) if record.kind == OperationKind::Update => (Before::NumberHeld, Right::Seen),
            _ => (Before::SameNumber, Right::Free),
        };
        for _ in 0..TRIES {
            let mut items = self.binding_in(lease, binding, &before, right)?;
            if let Some(record) = record {
                items.push(self.record_in(lease.connection, record)?);
            }
            let Err(refusals) = self.transact(items, doing).await? else {
                return Ok(());
            };
            before = learn(refusals, before, lease, binding, doing)?;
        }
        Err(StoreError::Conflict { doing })
    }

    fn binding_in(
        &self,
        lease: &Lease,
        binding: &Binding,
        before: &Before,
        right: Right,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let unchanged = match before {
            Before::SameNumber => Expression::new("attribute_not_exists(pk) OR (n = :n AND f <= :fence)")
                .with(":n", text(&binding.number)),
            Before::NumberHeld => Expression::new("n = :n AND nm = :nm AND f <= :fence")
                .with(":n", text(&binding.number))
                .with(":nm", text(&binding.name)),
            Before::Other(number) | Before::OtherGone(number) => {
                Expression::new("n = :n AND f <= :fence").with(":n", text(number))
            }
        };
        let unchanged = unchanged.with(":fence", number(lease.fence));
        let stored = binding_row(lease.connection, binding, lease.fence)?;
        let mut items = vec![self.lease_check(lease), self.put_in_if(stored, unchanged)];
        if !matches!(before, Before::NumberHeld) {
            let key = Key::number(lease.connection, &binding.number);
            let held = row(&key, &NumberRow::of(binding))?;
            items.push(match (before, right) {
                (Before::Other(_) | Before::OtherGone(_), Right::Seen) => self.put_in(held),
                _ => self.put_in_if(held, free_or_of(binding.user)),
            });
        }
        if let Before::Other(old) = before {
            items.push(self.delete_in_if(&Key::number(lease.connection, old), free_or_of(binding.user)));
        }
        Ok(items)
    }

    /// Lets go of a person: binding and number go, the record stays. Gone already is fine.
    /// [`StoreError::Conflict`]: the lease is lost.
    pub async fn forget(
        &self,
        lease: &Lease,
        binding: &Binding,
        record: &OperationRecord,
    ) -> Result<(), StoreError> {
        let unchanged = Expression::new("attribute_not_exists(pk) OR (n = :n AND f <= :fence)");
        let record = self.record_in(lease.connection, record)?;
        self.remove_binding(lease, binding, unchanged, Some(record), "forgetting a binding")
            .await
    }

    /// Drops an intention that came to nothing, and its number. Gone already is fine. [`StoreError::Conflict`]: the lease
    /// is lost, or the extension was made after all and is bound.
    pub async fn cancel_intent(&self, lease: &Lease, binding: &Binding) -> Result<(), StoreError> {
        let unchanged =
            Expression::new("attribute_not_exists(pk) OR (n = :n AND f <= :fence AND s = :intended)")
                .with(":intended", text("i"));
        self.remove_binding(lease, binding, unchanged, None, "dropping an intention")
            .await
    }

    async fn remove_binding(
        &self,
        lease: &Lease,
        binding: &Binding,
        unchanged: Expression,
        record: Option<TransactWriteItem>,
        doing: &'static str,
    ) -> Result<(), StoreError> {
        let unchanged = unchanged
            .with(":n", text(&binding.number))
            .with(":fence", number(lease.fence));
        let mut items = vec![
            self.lease_check(lease),
            self.delete_in_if(&Key::binding(lease.connection, binding.user), unchanged),
        ];
        items.extend(record);
        let held = Key::number(lease.connection, &binding.number);
        let mut with_number = items.clone();
        with_number.insert(NUMBER, self.delete_in_if(&held, free_or_of(binding.user)));
        let Err(refusals) = self.transact(with_number, doing).await? else {
            return Ok(());
        };
        // A repeat may come when the number has gone to somebody else; then only the number is not ours to free.
        if refusals.keys().copied().eq([NUMBER]) && self.transact(items, doing).await?.is_ok() {
            return Ok(());
        }
        Err(StoreError::Conflict { doing })
    }
}

fn free_or_of(user: EntraUserId) -> Expression {
    Expression::new("attribute_not_exists(pk) OR u = :user").with(":user", text(user))
}

/// What a refused transaction taught about the binding, or why there is no point in another.
fn learn(
    mut refusals: Refusals,
    before: Before,
    lease: &Lease,
    binding: &Binding,
    doing: &'static str,
) -> Result<Before, StoreError> {
    if refusals.contains_key(&LEASE) {
        return Err(StoreError::Conflict { doing });
    }
    if let Some(Some(found)) = refusals.remove(&NUMBER) {
        return Err(StoreError::NumberTaken {
            holder: holder(found)?,
        });
    }
    let Some(found) = refusals.remove(&BINDING).flatten() else {
        return Ok(match before {
            Before::Other(number) if refusals.contains_key(&OLD_NUMBER) => Before::OtherGone(number),
            _ => Before::SameNumber,
        });
    };
    let found: BindingInTheWay = body(found, "binding")?;
    if found.f > lease.fence {
        return Err(StoreError::Conflict { doing });
    }
    Ok(if found.n == binding.number {
        Before::SameNumber
    } else {
        Before::Other(found.n)
    })
}

fn holder(found: Row) -> Result<EntraUserId, StoreError> {
    let held: NumberRow = body(found, "holder of a number")?;
    Ok(held.u)
}
