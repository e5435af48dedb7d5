//! What the PBX says of itself. A call that a firmware does not have is a fact about it, any other refusal an error.

use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};

use super::client::PbxClient;
use super::error::{Effect, Fault, code};
use super::transport::Call;
use super::wire::{CapacityRow, Data, Information, count};
use crate::domain::connection::{Capabilities, FirmwareVersion};
use crate::domain::extension::Capacity;
use crate::ports::{PhoneSystemError, SystemInformation};

const INFORMATION: &str = "system/information";

/// The capabilities last found, with the firmware they belong to.
#[derive(Default)]
pub(super) struct KnownCapabilities(Mutex<Option<(String, Capabilities)>>);

impl KnownCapabilities {
    fn of(&self, firmware: &str) -> Option<Capabilities> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .as_ref()
            .filter(|(of, _)| of == firmware)
            .map(|(_, found)| *found)
    }

    fn keep(&self, firmware: String, found: Capabilities) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((firmware, found));
    }
}

/// What the PBX said of itself under a token.
#[derive(Default)]
pub(super) struct KnownIdentity(Mutex<Option<(SecretString, SystemInformation)>>);

impl KnownIdentity {
    fn of(&self, token: &SecretString) -> Option<SystemInformation> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .as_ref()
            .filter(|(of, _)| of.expose_secret() == token.expose_secret())
            .map(|(_, said)| said.clone())
    }

    fn keep(&self, token: SecretString, said: SystemInformation) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((token, said));
    }
}

impl PbxClient {
    pub(super) async fn read_identity(&self) -> Result<SystemInformation, PhoneSystemError> {
        let explain = reading(INFORMATION);
        let before = self.token().await.map_err(&explain)?;
        if let Some(known) = self.identity.of(&before) {
            return Ok(known);
        }
        let said = self.read_information().await?;
        let after = self.token().await.map_err(&explain)?;
        if after.expose_secret() == before.expose_secret() {
            self.identity.keep(after, said.clone());
        }
        Ok(said)
    }

    pub(super) async fn read_information(&self) -> Result<SystemInformation, PhoneSystemError> {
        let answer = self.ask_information().await?;
        let serial_number = answer.sn.0;
        if serial_number.trim().is_empty() {
            // Without it another PBX at the same address, whose extensions have the same keys, would pass for this one.
            return Err(PhoneSystemError::Unexpected {
                doing: format!(
                    "{INFORMATION}: it does not tell its serial number (sn), by which a replaced PBX is noticed; \
                     update the firmware of the PBX"
                ),
            });
        }
        Ok(SystemInformation {
            firmware_version: answer.firmware_version,
            serial_number,
        })
    }

    async fn ask_information(&self) -> Result<Information, PhoneSystemError> {
        let answer = self.ask::<Data<Information>>(&Call::read(INFORMATION)).await;
        Ok(answer.map_err(reading(INFORMATION))?.data)
    }

    pub(super) async fn read_capacity(&self) -> Result<Capacity, PhoneSystemError> {
        let explain = reading("system/capacity");
        let call = Call::read("system/capacity");
        let row = self.ask::<Data<CapacityRow>>(&call).await.map_err(&explain)?.data;
        let number = |value| count(value).map_err(|what| explain(Fault::Garbled(what)));
        Ok(Capacity {
            extensions: number(row.extension_capacity)? as u64,
            used: number(row.extension_used)? as u64,
        })
    }

    /// Probes what the firmware number does not tell, once per firmware.
    pub(super) async fn read_capabilities(&self) -> Result<Capabilities, PhoneSystemError> {
        let firmware = self.ask_information().await?.firmware_version;
        if let Some(known) = self.capabilities.of(&firmware) {
            return Ok(known);
        }
        let version = FirmwareVersion::parse(&firmware).ok_or_else(|| PhoneSystemError::Unexpected {
            doing: format!("{INFORMATION}: the firmware version is not four numbers"),
        })?;
        let modern = version.at_least(FirmwareVersion::CONTACTS_AND_PRESENCE);
        let found = Capabilities {
            extension_groups: self.has_extension_groups().await?,
            contacts: modern,
            presence: modern,
        };
        self.capabilities.keep(firmware, found);
        Ok(found)
    }

    async fn has_extension_groups(&self) -> Result<bool, PhoneSystemError> {
        let probe = Call::read("extensiongroup/list")
            .with("page", "1")
            .with("page_size", "1");
        match self.tell(&probe).await {
            Ok(()) => Ok(true),
            // Some builds say that a feature is off or not permitted where others say that it is missing.
            Err(fault)
                if matches!(
                    fault.code(),
                    Some(code::NO_SUCH_CALL | code::ACCESS_DENIED | code::FEATURE_OFF)
                ) =>
            {
                Ok(false)
            }
            Err(fault) => Err(reading("extensiongroup/list")(fault)),
        }
    }
}

/// Explains a fault of a read.
pub(super) fn reading(doing: &'static str) -> impl Fn(Fault) -> PhoneSystemError {
    move |fault| fault.explain(doing, Effect::Read)
}
