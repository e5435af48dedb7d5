//! Both sides of a connection under test: what they answer is set by the test, what they were shown is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use shared::clock::SystemClock;
use shared::domain::connection::{Capabilities, Connection, ConnectionSecrets};
use shared::domain::contact::{Card, ContactRow, PbxContactId};
use shared::domain::entra_group::EntraGroup;
use shared::domain::entra_user::{EntraUser, UserChange};
use shared::domain::extension::{Capacity, Extension, ExtensionRow, FieldsPatch, NewExtension};
use shared::domain::ids::{EntraGroupId, EntraUserId, ExtensionId, PbxGroupId, SubscriptionId};
use shared::domain::mailbox::{MailboxAccount, MailboxId, MailboxPurpose};
use shared::domain::number::ExtensionNumber;
use shared::domain::pbx_group::{GroupPatch, GroupValues, PbxGroup, PbxGroupRow};
use shared::domain::phonebook::{PhonebookId, PhonebookRow};
use shared::domain::presence::TeamsStatus;
use shared::domain::settings::{ExtensionPresence, GroupTarget, GroupType};
use shared::pbx::{PbxClient, PbxConfig};
use shared::ports::{
    ContactBook, Cursor, Deleted, Directory, DirectoryError, ExtensionPresences, GrantedSubscription,
    GroupMembers, GroupPage, KnownSubscription, LinkusSignIn, LoginSignature, Mail, MailboxError,
    MailboxMemory, MailboxRead, Mailboxes, Mailer, PermissionName, PhoneGroups, PhoneSystem,
    PhoneSystemError, PhonebookPatch, SecretExpiry, ShownPresence, ShutProblem, SideError, SideFactory,
    Sides, SignInProblem, SubscriptionError, Subscriptions, SystemInformation, TeamsPresence, UserQuery,
    WantedSubscription,
};
use shared::settings::AddressPolicy;

/// What both sides answer.
#[derive(Debug, Clone)]
pub struct Script {
    pub sign_in: Option<SignInProblem>,
    pub graph_down: bool,
    pub missing: Vec<PermissionName>,
    pub shut: Option<ShutProblem>,
    pub pbx_down: bool,
    pub firmware: String,
    pub serial: String,
    pub forbidden_address: bool,
    /// Address and PBX secret of every client that was made.
    pub shown: Vec<(String, String)>,
    /// How many clients of the PBX were closed.
    pub closed: usize,
    /// The address of a PBX to be asked in place of the one that is faked.
    pub real_pbx: Option<String>,
    /// To whom the PBX sent mail.
    pub mails: Vec<String>,
    /// Why the Linkus SDK is not let in.
    pub linkus_shut: Option<ShutProblem>,
    /// Address and access id of every sign-in of the Linkus SDK.
    pub linkus_shown: Vec<(String, String)>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            sign_in: None,
            graph_down: false,
            missing: Vec::new(),
            shut: None,
            pbx_down: false,
            firmware: "83.10.0.30".to_owned(),
            serial: "SERIAL-2".to_owned(),
            forbidden_address: false,
            shown: Vec::new(),
            closed: 0,
            real_pbx: None,
            mails: Vec::new(),
            linkus_shut: None,
            linkus_shown: Vec::new(),
        }
    }
}

/// Makes fake sides.
#[derive(Debug, Clone, Default)]
pub struct FakeSides(Arc<Mutex<Script>>);

impl FakeSides {
    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SideFactory for FakeSides {
    fn sides(&self, connection: &Connection, secrets: &ConnectionSecrets) -> Result<Sides, SideError> {
        self.sides_under_test(connection, secrets)
    }

    fn linkus(
        &self,
        _: &Connection,
        _: &ConnectionSecrets,
    ) -> Result<Option<Arc<dyn LinkusSignIn>>, SideError> {
        Ok(None)
    }

    fn sides_under_test(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
    ) -> Result<Sides, SideError> {
        let mut script = self.script();
        if script.forbidden_address {
            return Err(SideError {
                field: "/pbx/base_url",
                detail: "is not a public address".to_owned(),
            });
        }
        let secret = secrets.pbx.client_secret.expose_secret().to_owned();
        script.shown.push((connection.pbx.base_url.clone(), secret));
        let phone_system: Arc<dyn PhoneSystem> = match &script.real_pbx {
            None => Arc::new(self.clone()),
            Some(origin) => {
                let config = PbxConfig::new(origin, secrets.pbx.clone(), AddressPolicy::Loopback);
                Arc::new(PbxClient::under_test(config, Arc::new(SystemClock))?)
            }
        };
        Ok(Sides {
            directory: Arc::new(self.clone()),
            subscriptions: Arc::new(self.clone()),
            phone_system,
            teams: Arc::new(self.clone()),
            extension_presences: Arc::new(self.clone()),
            mailboxes: Arc::new(self.clone()),
            account_mailboxes: Arc::new(self.clone()),
            contact_book: Arc::new(self.clone()),
            mailer: Arc::new(self.clone()),
            groups: Arc::new(self.clone()),
        })
    }

    fn linkus_under_test(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
    ) -> Result<Option<Arc<dyn LinkusSignIn>>, SideError> {
        let Some(sdk) = &secrets.linkus_sdk else {
            return Ok(None);
        };
        Ok(Some(Arc::new(FakeLinkus {
            sides: self.clone(),
            address: connection.pbx.base_url.clone(),
            access_id: sdk.access_id.clone(),
        })))
    }
}

/// The Linkus SDK side of a PBX.
struct FakeLinkus {
    sides: FakeSides,
    address: String,
    access_id: String,
}

#[async_trait]
impl LinkusSignIn for FakeLinkus {
    async fn login_signature(
        &self,
        _: &ExtensionNumber,
        _: Duration,
    ) -> Result<LoginSignature, PhoneSystemError> {
        not_there()
    }
    async fn sign_in(&self) -> Result<(), PhoneSystemError> {
        let mut script = self.sides.script();
        let shown = (self.address.clone(), self.access_id.clone());
        script.linkus_shown.push(shown);
        match script.linkus_shut {
            None => Ok(()),
            Some(problem) => Err(PhoneSystemError::Shut {
                problem,
                sentence: "the PBX refused the credentials (20005)".to_owned(),
            }),
        }
    }
    async fn close(&self) {
        self.sides.script().closed += 1;
    }
}

/// Two hundred and fifty groups: more than the vendor's picker shows.
fn all_groups() -> impl Iterator<Item = EntraGroup> {
    (0..250).map(|n| EntraGroup {
        id: EntraGroupId::parse(&format!("00000000-0000-0000-0000-{n:012}")).unwrap(),
        name: format!("Group {n:03}"),
        kind: Some(GroupType::Security),
    })
}

fn not_here<T>() -> Result<T, DirectoryError> {
    Err(DirectoryError::Unexpected {
        doing: "this test reads nobody".to_owned(),
        source: None,
    })
}

fn not_there<T>() -> Result<T, PhoneSystemError> {
    Err(PhoneSystemError::Unexpected {
        doing: "this test has no extensions".to_owned(),
    })
}

#[async_trait]
impl Subscriptions for FakeSides {
    async fn subscribe(&self, _: &WantedSubscription) -> Result<GrantedSubscription, SubscriptionError> {
        Ok(not_here()?)
    }
    async fn renew_subscription(
        &self,
        _: SubscriptionId,
        _: Timestamp,
    ) -> Result<Option<Timestamp>, DirectoryError> {
        not_here()
    }
    async fn list_subscriptions(&self) -> Result<Vec<KnownSubscription>, DirectoryError> {
        not_here()
    }
    async fn unsubscribe(&self, _: SubscriptionId) -> Result<(), DirectoryError> {
        not_here()
    }
}

#[async_trait]
impl Directory for FakeSides {
    async fn list_users(&self, _: &UserQuery) -> Result<BTreeMap<EntraUserId, EntraUser>, DirectoryError> {
        not_here()
    }
    async fn user_cursor(&self, _: &UserQuery) -> Result<Cursor, DirectoryError> {
        not_here()
    }
    async fn user_changes(
        &self,
        _: &Cursor,
        _: &UserQuery,
    ) -> Result<(Vec<UserChange>, Cursor), DirectoryError> {
        not_here()
    }
    async fn users_by_id(
        &self,
        _: &BTreeSet<EntraUserId>,
        _: &UserQuery,
    ) -> Result<BTreeMap<EntraUserId, EntraUser>, DirectoryError> {
        not_here()
    }
    async fn lookup_user(&self, _: &str, _: &UserQuery) -> Result<Option<EntraUser>, DirectoryError> {
        Ok(None)
    }
    async fn group_cursor(&self) -> Result<Cursor, DirectoryError> {
        not_here()
    }
    async fn group_changes(&self, _: &Cursor) -> Result<(BTreeSet<EntraGroupId>, Cursor), DirectoryError> {
        not_here()
    }
    async fn list_groups(&self) -> Result<BTreeMap<EntraGroupId, EntraGroup>, DirectoryError> {
        not_here()
    }
    async fn groups_by_id(
        &self,
        ids: &BTreeSet<EntraGroupId>,
    ) -> Result<BTreeMap<EntraGroupId, EntraGroup>, DirectoryError> {
        if self.script().graph_down {
            return not_here();
        }
        let known = all_groups().filter(|group| ids.contains(&group.id));
        Ok(known.map(|group| (group.id, group)).collect())
    }
    async fn search_groups(
        &self,
        search: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<GroupPage, DirectoryError> {
        if self.script().graph_down {
            return not_here();
        }
        let found = all_groups().filter(|group| group.name.to_lowercase().contains(&search.to_lowercase()));
        let from: usize = match cursor.map(str::parse) {
            None => 0,
            Some(Ok(from)) => from,
            Some(Err(_)) => return not_here(),
        };
        let rest: Vec<EntraGroup> = found.skip(from).collect();
        let next = (rest.len() > limit).then(|| (from + limit).to_string());
        let groups = rest.into_iter().take(limit).collect();
        Ok(GroupPage { groups, next })
    }
    async fn group_members(
        &self,
        _: &BTreeSet<EntraGroupId>,
    ) -> Result<BTreeMap<EntraGroupId, GroupMembers>, DirectoryError> {
        not_here()
    }
    async fn hidden_among(
        &self,
        _: &BTreeSet<EntraGroupId>,
    ) -> Result<BTreeSet<EntraGroupId>, DirectoryError> {
        not_here()
    }
    async fn secret_expiry(&self) -> Result<SecretExpiry, DirectoryError> {
        Ok(SecretExpiry::Unknown)
    }

    async fn missing_permissions(
        &self,
        needed: &[PermissionName],
    ) -> Result<Vec<PermissionName>, DirectoryError> {
        assert!(needed.iter().all(|name| name.contains(".Read")), "{needed:?}");
        let script = self.script();
        if let Some(problem) = script.sign_in {
            let sentence = "AADSTS7000215".to_owned();
            return Err(DirectoryError::SignInRefused { problem, sentence });
        }
        if script.graph_down {
            return Err(DirectoryError::Unavailable {
                doing: "signing in".to_owned(),
                retry_after: None,
                source: None,
            });
        }
        Ok(script.missing.clone())
    }
}

#[async_trait]
impl TeamsPresence for FakeSides {
    async fn presences(
        &self,
        _: &[EntraUserId],
    ) -> Result<BTreeMap<EntraUserId, TeamsStatus>, DirectoryError> {
        not_here()
    }
}

#[async_trait]
impl ExtensionPresences for FakeSides {
    async fn set_presence(&self, _: ExtensionId, _: ExtensionPresence) -> Result<(), PhoneSystemError> {
        not_there()
    }
    async fn shown_presences(
        &self,
        _: &BTreeSet<ExtensionId>,
    ) -> Result<BTreeMap<ExtensionId, ShownPresence>, PhoneSystemError> {
        not_there()
    }
    fn slots(&self) -> usize {
        1
    }
}

#[async_trait]
impl Mailer for FakeSides {
    async fn send_mail(&self, mail: &Mail<'_>) -> Result<(), PhoneSystemError> {
        self.script().mails.push(mail.to.to_owned());
        Ok(())
    }
}

#[async_trait]
impl PhoneGroups for FakeSides {
    async fn list_groups(&self, _: GroupTarget) -> Result<Vec<PbxGroupRow>, PhoneSystemError> {
        not_there()
    }
    async fn group_details(
        &self,
        _: GroupTarget,
        _: &BTreeSet<PbxGroupId>,
        _: &BTreeSet<ExtensionId>,
    ) -> Result<BTreeMap<PbxGroupId, PbxGroup>, PhoneSystemError> {
        not_there()
    }
    async fn create_group(&self, _: GroupTarget, _: &GroupValues) -> Result<PbxGroupId, PhoneSystemError> {
        not_there()
    }
    async fn update_group(&self, _: GroupTarget, _: &GroupPatch) -> Result<(), PhoneSystemError> {
        not_there()
    }
    async fn delete_group(&self, _: GroupTarget, _: PbxGroupId) -> Result<Deleted, PhoneSystemError> {
        not_there()
    }
}

#[async_trait]
impl PhoneSystem for FakeSides {
    async fn information(&self) -> Result<SystemInformation, PhoneSystemError> {
        let script = self.script();
        if let Some(problem) = script.shut {
            return Err(PhoneSystemError::Shut {
                problem,
                sentence: "the PBX refused the credentials (20005)".to_owned(),
            });
        }
        if script.pbx_down {
            return Err(PhoneSystemError::Unavailable {
                doing: "signing in".to_owned(),
                source: None,
            });
        }
        Ok(SystemInformation {
            firmware_version: script.firmware.clone(),
            serial_number: script.serial.clone(),
        })
    }
    async fn capabilities(&self) -> Result<Capabilities, PhoneSystemError> {
        Ok(Capabilities {
            extension_groups: true,
            contacts: true,
            presence: false,
        })
    }
    async fn capacity(&self) -> Result<Capacity, PhoneSystemError> {
        not_there()
    }
    async fn list_extensions(&self) -> Result<Vec<ExtensionRow>, PhoneSystemError> {
        not_there()
    }
    async fn extension_details(
        &self,
        _: &BTreeSet<ExtensionId>,
    ) -> Result<BTreeMap<ExtensionId, Extension>, PhoneSystemError> {
        not_there()
    }
    async fn lookup_extension(&self, _: &ExtensionNumber) -> Result<Option<Extension>, PhoneSystemError> {
        not_there()
    }
    async fn create_extension(&self, _: &NewExtension) -> Result<ExtensionId, PhoneSystemError> {
        not_there()
    }
    async fn update_extension(&self, _: ExtensionId, _: &FieldsPatch) -> Result<(), PhoneSystemError> {
        not_there()
    }
    async fn delete_extension(&self, _: ExtensionId) -> Result<Deleted, PhoneSystemError> {
        not_there()
    }
    async fn send_welcome_mail(&self, _: &[ExtensionId]) -> Result<(), PhoneSystemError> {
        not_there()
    }
    fn write_slots(&self) -> usize {
        1
    }
    async fn close(&self) {
        self.script().closed += 1;
    }
}

#[async_trait]
impl Mailboxes for FakeSides {
    async fn read_contacts(
        &self,
        _: MailboxId,
        _: Option<MailboxMemory>,
    ) -> Result<MailboxRead, MailboxError> {
        Ok(not_here()?)
    }
    async fn purposes(
        &self,
        accounts: &BTreeSet<MailboxId>,
    ) -> Result<BTreeMap<MailboxId, MailboxPurpose>, DirectoryError> {
        if self.script().missing.contains(&"MailboxSettings.Read") {
            return Err(DirectoryError::PermissionMissing {
                permission: "MailboxSettings.Read".to_owned(),
            });
        }
        Ok(accounts
            .iter()
            .map(|account| (*account, MailboxPurpose::Shared))
            .collect())
    }
    async fn lookup_account(&self, _: &str) -> Result<Option<MailboxAccount>, DirectoryError> {
        not_here()
    }
    async fn list_accounts(&self, search: Option<&str>) -> Result<Vec<MailboxAccount>, DirectoryError> {
        let sales = MailboxAccount {
            id: MailboxId::parse("3b1f6c0e-6f0b-4a55-9a3e-000000000007").unwrap(),
            name: "Sales".to_owned(),
            address: "sales@contoso.example".to_owned(),
        };
        let fits = |account: &MailboxAccount| search.is_none_or(|text| account.name.starts_with(text));
        Ok([sales].into_iter().filter(fits).collect())
    }
}

#[async_trait]
impl ContactBook for FakeSides {
    async fn list_contacts(&self) -> Result<Vec<ContactRow>, PhoneSystemError> {
        not_there()
    }
    async fn search_contacts(&self, _: &str) -> Result<Vec<ContactRow>, PhoneSystemError> {
        not_there()
    }
    async fn list_phonebooks(&self) -> Result<Vec<PhonebookRow>, PhoneSystemError> {
        if self.script().pbx_down {
            return not_there();
        }
        Ok(vec![PhonebookRow {
            id: PhonebookId(4),
            name: "Suppliers".to_owned(),
            total: 3,
            everyone: false,
        }])
    }
    async fn has_contact(&self, _: PbxContactId) -> Result<bool, PhoneSystemError> {
        not_there()
    }
    async fn create_contact(&self, _: &Card, _: PhonebookId) -> Result<PbxContactId, PhoneSystemError> {
        not_there()
    }
    async fn update_contact(&self, _: PbxContactId, _: &Card) -> Result<(), PhoneSystemError> {
        not_there()
    }
    async fn clear_phonebooks_of(&self, _: PbxContactId) -> Result<(), PhoneSystemError> {
        not_there()
    }
    async fn delete_contact(&self, _: PbxContactId) -> Result<Deleted, PhoneSystemError> {
        not_there()
    }
    async fn create_phonebook(&self, _: &str) -> Result<PhonebookId, PhoneSystemError> {
        not_there()
    }
    async fn update_phonebook(&self, _: PhonebookId, _: &PhonebookPatch) -> Result<(), PhoneSystemError> {
        not_there()
    }
    async fn delete_phonebook(&self, _: PhonebookId) -> Result<Deleted, PhoneSystemError> {
        not_there()
    }
}
