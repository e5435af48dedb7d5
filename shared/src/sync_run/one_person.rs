//! Reads both sides for one person alone.

use std::collections::{BTreeMap, BTreeSet};

use super::collect::Task;
use super::collect_error::CollectError;
use super::phones::NOT_READ;
use crate::domain::binding::Binding;
use crate::domain::entra_user::EntraUser;
use crate::plan::snapshot::{PhoneSystemSnapshot, World};

/// What is read for one person alone.
pub(super) struct OnePerson {
    pub world: World,
    /// Whether the only binding read is the person's own, which is enough as long as their extension stays.
    pub alone: bool,
}

/// Reads what is to be decided on one person, whom the directory was asked for already. Whoever has an extension that is
/// there needs nobody else's binding.
pub(super) async fn collect_one(task: &Task<'_>, user: EntraUser) -> Result<OnePerson, CollectError> {
    let id = user.id;
    let (own, directory) = tokio::try_join!(
        async { Ok::<_, CollectError>(task.store.binding(task.connection, id).await?) },
        task.about(BTreeSet::from([id]), BTreeMap::from([(id, user)]))
    )?;
    let found = match own {
        Some(own) => with_extension(task, own).await?,
        None => None,
    };
    let alone = found.is_some();
    let (bindings, phone_system) = if let Some((own, phones)) = found {
        (BTreeMap::from([(id, own)]), phones)
    } else {
        let bindings = task.store.bindings(task.connection).await?;
        let phones = task.phones_of(&directory, &bindings).await?;
        (bindings, phones)
    };
    let world = World {
        directory,
        phone_system,
        bindings,
        refused_numbers: task.store.refused_numbers(task.connection).await?,
    };
    Ok(OnePerson { world, alone })
}

/// The binding with the extension that it names; `None` where there is none, or not any more.
async fn with_extension(
    task: &Task<'_>,
    own: Binding,
) -> Result<Option<(Binding, PhoneSystemSnapshot)>, CollectError> {
    let Some(bound) = own.bound() else {
        return Ok(None);
    };
    let wanted = BTreeSet::from([bound.extension]);
    let details = task.phone_system().extension_details(&wanted).await?;
    let phones = PhoneSystemSnapshot {
        rows: None,
        details,
        capacity: NOT_READ,
    };
    Ok((!phones.details.is_empty()).then_some((own, phones)))
}
