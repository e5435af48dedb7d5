//! Tests both sides with credentials that are not stored yet. What is wrong is said of the field to mend. A test leaves
//! nothing behind on the PBX, however it ends.

use shared::domain::connection::{Capabilities, FirmwareVersion};
use shared::domain::settings_check::FieldProblem;
use shared::ports::{
    Directory, DirectoryError, LinkusSignIn, PermissionName, PhoneSystem, PhoneSystemError, ShutProblem,
    SignInProblem,
};

use crate::problem::Problem;

/// What a PBX said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbxFacts {
    pub firmware_version: String,
    pub serial_number: String,
    pub capabilities: Capabilities,
}

/// Why a side did not pass.
#[derive(Debug)]
pub enum ProbeError {
    /// A value is wrong.
    Field(FieldProblem),
    /// Nothing is known of the values: the side could not be asked.
    NotAsked(Problem),
}

/// Signs in to Entra and tells which of these permissions are missing.
pub async fn entra(directory: &dyn Directory, needed: &[PermissionName]) -> Result<Vec<String>, ProbeError> {
    match directory.missing_permissions(needed).await {
        Ok(missing) => Ok(missing.into_iter().map(str::to_owned).collect()),
        Err(DirectoryError::PermissionMissing { permission }) => Ok(vec![permission]),
        Err(DirectoryError::SignInRefused { problem, sentence }) => {
            Err(ProbeError::Field(sign_in_problem(problem, &sentence)))
        }
        Err(error) => Err(ProbeError::NotAsked(Problem::unavailable(
            "Microsoft Graph",
            &error,
        ))),
    }
}

fn sign_in_problem(problem: SignInProblem, sentence: &str) -> FieldProblem {
    let (pointer, mend) = match problem {
        SignInProblem::WrongSecret => (
            "/client_secret",
            "send the value of the secret, not its id, from Certificates & secrets",
        ),
        SignInProblem::WrongCertificate => (
            "/certificate_pem",
            "upload the certificate under Certificates & secrets, wait a minute and try again",
        ),
        SignInProblem::ExpiredSecret => ("/client_secret", "make a new secret in the app registration"),
        SignInProblem::UnknownApp => (
            "/client_id",
            "send the Application (client) ID of an app registered in this tenant",
        ),
        SignInProblem::UnknownTenant => ("/tenant_id", "send the Directory (tenant) ID"),
        SignInProblem::AccountMustSignIn | SignInProblem::Other => (
            "/client_secret",
            "compare tenant, app and secret with the app registration",
        ),
    };
    FieldProblem::new(
        pointer,
        format!("Microsoft refused the sign-in: {sentence}; {mend}"),
    )
}

/// Signs in to the PBX, asks what it is, and signs out: it has eight sessions, and one that is left open stays taken for
/// half an hour.
pub async fn pbx(phone_system: &dyn PhoneSystem) -> Result<PbxFacts, ProbeError> {
    let facts = ask_pbx(phone_system).await;
    phone_system.close().await;
    facts
}

async fn ask_pbx(phone_system: &dyn PhoneSystem) -> Result<PbxFacts, ProbeError> {
    let information = phone_system
        .information()
        .await
        .map_err(|error| ProbeError::Field(pbx_problem(&error)))?;
    new_enough(&information.firmware_version).map_err(ProbeError::Field)?;
    let capabilities = phone_system
        .capabilities()
        .await
        .map_err(|error| ProbeError::Field(pbx_problem(&error)))?;
    Ok(PbxFacts {
        firmware_version: information.firmware_version,
        serial_number: information.serial_number,
        capabilities,
    })
}

/// The same, and then, if it let us in, the sign-in of the Linkus SDK: what keeps out both is said once.
pub async fn whole_pbx(
    phone_system: &dyn PhoneSystem,
    linkus: Option<&dyn LinkusSignIn>,
) -> Result<PbxFacts, ProbeError> {
    let facts = pbx(phone_system).await?;
    if let Some(linkus) = linkus {
        linkus_sdk(linkus).await?;
    }
    Ok(facts)
}

async fn linkus_sdk(linkus: &dyn LinkusSignIn) -> Result<(), ProbeError> {
    let signed_in = linkus.sign_in().await;
    linkus.close().await;
    signed_in.map_err(|error| ProbeError::Field(linkus_problem(&error)))
}

fn new_enough(firmware: &str) -> Result<(), FieldProblem> {
    let good =
        FirmwareVersion::parse(firmware).is_some_and(|version| version.at_least(FirmwareVersion::BASE));
    if good {
        return Ok(());
    }
    Err(FieldProblem::new(
        "/pbx/base_url",
        format!("the PBX has firmware {firmware}; 83.8.0.25 or later is needed: update the PBX"),
    ))
}

fn pbx_problem(error: &PhoneSystemError) -> FieldProblem {
    let (pointer, mend) = match error {
        PhoneSystemError::Shut { problem, .. } => match problem {
            ShutProblem::WrongCredentials => (
                "/pbx/client_secret",
                "compare Client ID and Client Secret with Integrations > API on the PBX",
            ),
            ShutProblem::AddressBlocked => (
                "/pbx/base_url",
                "remove our address from Security > Security Rules > Blocked IP Addresses on the PBX",
            ),
            ShutProblem::AddressForbidden => (
                "/pbx/base_url",
                "add our address to the allowed IP addresses at Integrations > API on the PBX",
            ),
            ShutProblem::ApiOff => ("/pbx/base_url", "switch on Integrations > API on the PBX"),
            ShutProblem::NoFreeSession => (
                "/pbx/base_url",
                "all API sessions of the PBX are in use: wait half an hour and try again",
            ),
            ShutProblem::NoAnswer => (
                "/pbx/base_url",
                "check that this is the address of a P-Series PBX with its Open API",
            ),
            ShutProblem::NotTrusted => (
                "/pbx/base_url",
                "use the PBX's own name with a valid certificate, or send its authority in ca_pem",
            ),
        },
        PhoneSystemError::Unavailable { .. } => (
            "/pbx/base_url",
            "check the address and that the PBX can be reached from here",
        ),
        _ => (
            "/pbx/base_url",
            "check that this is the address of a P-Series PBX with its Open API",
        ),
    };
    tracing::warn!(error = %error, "a PBX under test did not pass");
    FieldProblem::new(pointer, format!("{error}; {mend}"))
}

fn linkus_problem(error: &PhoneSystemError) -> FieldProblem {
    tracing::warn!(error = %error, "Linkus SDK credentials under test did not pass");
    let (pointer, sentence) = match error {
        PhoneSystemError::Shut { problem, .. } => match problem {
            // The client's own sentence speaks of the API's credentials.
            ShutProblem::WrongCredentials => (
                "/pbx/linkus_sdk/access_key",
                "the PBX does not accept AccessID or AccessKey; compare both with Integrations > Linkus SDK on the PBX",
            ),
            ShutProblem::AddressForbidden => (
                "/pbx/linkus_sdk",
                "the PBX does not let our address use the Linkus SDK; add it to the allowed IP addresses at Integrations > Linkus SDK",
            ),
            ShutProblem::ApiOff => (
                "/pbx/linkus_sdk",
                "the Linkus SDK of the PBX is switched off; switch on Integrations > Linkus SDK",
            ),
            ShutProblem::NoFreeSession => (
                "/pbx/linkus_sdk",
                "all sessions of the Linkus SDK on the PBX are in use: wait half an hour and try again",
            ),
            ShutProblem::AddressBlocked | ShutProblem::NotTrusted | ShutProblem::NoAnswer => {
                return pbx_problem(error);
            }
        },
        PhoneSystemError::Unavailable { .. } => return pbx_problem(error),
        _ => (
            "/pbx/linkus_sdk",
            "the PBX answered unexpectedly to a sign-in of the Linkus SDK; check that it is switched on at Integrations > Linkus SDK",
        ),
    };
    FieldProblem::new(pointer, sentence)
}
