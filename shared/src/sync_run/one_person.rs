//! Reads both sides for one person alone.

use std::collections::BTreeMap;

use super::collect::Task;
use super::collect_error::CollectError;
use crate::domain::ids::EntraUserId;
use crate::plan::snapshot::World;

/// What is read for one person alone.
pub(super) struct OnePerson {
    pub world: World,
    /// Whether the only binding read is the person's own, which is enough as long as their extension stays.
    pub alone: bool,
}

/// Reads what is to be decided on one person. Whoever has an extension that is there needs nobody else's binding.
pub(super) async fn collect_one(task: &Task<'_>, user: EntraUserId) -> Result<OnePerson, CollectError> {
    let (own, directory) = tokio::try_join!(
        async { Ok::<_, CollectError>(task.store.binding(task.connection, user).await?) },
        task.one_person(user)
    )?;
    let directory = directory.snapshot;
    let mut bindings: BTreeMap<_, _> = own.into_iter().map(|own| (user, own)).collect();
    let bound = bindings.values().any(|own| own.bound().is_some());
    let mut phone_system = None;
    if bound {
        // The list of extensions is read where this one is gone.
        let phones = task.phones_of(&directory, &bindings).await?;
        phone_system = Some(phones).filter(|phones| phones.rows.is_none());
    }
    let alone = phone_system.is_some();
    if !alone {
        bindings = task.store.bindings(task.connection).await?;
    }
    let phone_system = match phone_system {
        Some(phones) => phones,
        None => task.phones_of(&directory, &bindings).await?,
    };
    let world = World {
        directory,
        phone_system,
        bindings,
        refused_numbers: task.store.refused_numbers(task.connection).await?,
    };
    Ok(OnePerson { world, alone })
}
