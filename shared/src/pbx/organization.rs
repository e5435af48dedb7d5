//! The root organization that a create must name where the PBX manages organizations. Whether it does is learnt
//! from its refusals and remembered by the client.

use std::sync::PoisonError;

use super::client::PbxClient;
use super::error::{Fault, code};
use super::transport::Call;
use super::wire::{Data, MenuOption, OrganizationRef};

/// What is known about organizations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Organization {
    /// Creates leave the list out and see.
    #[default]
    Unknown,
    /// There are none, or they may not be named.
    Off,
    /// Creates name this one.
    Root(OrganizationRef),
}

impl Organization {
    /// What a create sends as `organization_list`.
    pub(super) fn list(&self) -> Option<Vec<OrganizationRef>> {
        match self {
            Self::Root(root) => Some(vec![root.clone()]),
            Self::Unknown | Self::Off => None,
        }
    }
}

impl PbxClient {
    pub(super) fn known_organization(&self) -> Organization {
        self.organization
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether the refusal of a create taught us something about organizations that makes repeating it worthwhile.
    pub(super) async fn learn_organization(&self, sent: &Organization, fault: &Fault) -> Result<bool, Fault> {
        let learnt = match (sent, fault) {
            (Organization::Unknown, Fault::Refused(refusal)) if blames_organization(refusal) => {
                self.root_organization().await?
            }
            (Organization::Root(_), fault) if fault.code() == Some(code::ORGANIZATION_OFF) => {
                Organization::Off
            }
            _ => return Ok(false),
        };
        let repeat = learnt.list() != sent.list();
        *self.organization.lock().unwrap_or_else(PoisonError::into_inner) = learnt;
        Ok(repeat)
    }

    async fn root_organization(&self) -> Result<Organization, Fault> {
        let call = Call::read("system/get_menuoptions")
            .with("menu", "org_list")
            .long();
        match self.ask::<Data<Vec<MenuOption>>>(&call).await {
            Ok(answer) => Ok(answer.data.into_iter().next().map_or(Organization::Off, |root| {
                Organization::Root(OrganizationRef { value: root.value.0 })
            })),
            Err(Fault::Refused(_)) => Ok(Organization::Off),
            Err(fault) => Err(fault),
        }
    }
}

/// A parameter refusal that names no key may mean the missing list too.
fn blames_organization(refusal: &super::error::Refusal) -> bool {
    refusal.code == code::PARAMETER
        && refusal
            .field
            .as_deref()
            .is_none_or(|field| field == "organization_list")
}
