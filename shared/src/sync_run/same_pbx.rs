//! Whether the PBX that lets us in is the one that the connection was made for, and what it runs. Asked where a run reads
//! everything or something is amiss; a usual run of changes pays nothing for it.

use crate::domain::connection::{ConnectionStatus, Firmware};
use crate::domain::sync_run::{RunMode, SyncPart, SyncRun};
use crate::domain::teardown::Removal;
use crate::ports::SystemInformation;

use super::collect_error::CollectError;
use super::conduct::parts;
use super::part::Basis;

/// What the PBX runs, where that is not what is stored.
pub(super) async fn new_firmware(basis: &Basis<'_>, run: &SyncRun) -> Result<Option<Firmware>, CollectError> {
    let mut parts = parts(basis.connection, basis.settings, run.request.dry_run);
    if !parts.any(|part| asks_the_pbx(basis, part)) {
        return Ok(None);
    }
    let Some(said) = identify(basis, run).await? else {
        return Ok(None);
    };
    if said.firmware_version == basis.connection.pbx.firmware_version {
        return Ok(None);
    }
    let capabilities = basis.sides.phone_system.capabilities().await?;
    Ok(Some(Firmware {
        version: said.firmware_version,
        capabilities,
    }))
}

/// Comes after a part has read the PBX and before it writes there: a token that another PBX gave out meanwhile is asked about
/// anew.
pub(super) async fn still_the_same(
    basis: &Basis<'_>,
    run: &SyncRun,
    part: SyncPart,
) -> Result<(), CollectError> {
    if asks_the_pbx(basis, part) {
        identify(basis, run).await?;
    }
    Ok(())
}

/// What is let go is let go without asking: the PBX may be gone.
fn asks_the_pbx(basis: &Basis<'_>, part: SyncPart) -> bool {
    basis.removal(part.part()) != Some(Removal::Release)
}

async fn identify(basis: &Basis<'_>, run: &SyncRun) -> Result<Option<SystemInformation>, CollectError> {
    let connection = basis.connection;
    if run.request.mode != RunMode::Full && connection.status == ConnectionStatus::Connected {
        return Ok(None);
    }
    let phones = basis.sides.phone_system.as_ref();
    let mut said = phones.identity().await?;
    if said.serial_number != connection.pbx.serial_number {
        // Ours may be back since somebody else was asked.
        said = phones.information().await?;
    }
    if said.serial_number != connection.pbx.serial_number {
        return Err(CollectError::AnotherPbx {
            found: said.serial_number,
            expected: connection.pbx.serial_number.clone(),
        });
    }
    Ok(Some(said))
}
