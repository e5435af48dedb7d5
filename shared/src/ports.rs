//! What the use cases need of the outside, as narrow traits. The table is not behind one: an engine that speaks
//! DynamoDB runs in every test (docs/decisions).

mod contacts;
mod mail;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use crate::domain::connection::{Capabilities, Connection, ConnectionSecrets};
use crate::domain::entra_group::EntraGroup;
use crate::domain::entra_user::{EntraUser, UserChange};
use crate::domain::extension::{Capacity, Extension, ExtensionRow, FieldsPatch, NewExtension};
use crate::domain::ids::{
    ConnectionId, EntraGroupId, EntraUserId, ExtensionId, PbxGroupId, SubscriptionId, SyncRunId,
};
use crate::domain::number::ExtensionNumber;
use crate::domain::pbx_group::{GroupPatch, GroupValues, PbxGroup, PbxGroupRow};
use crate::domain::presence::TeamsStatus;
use crate::domain::settings::{ExtensionPresence, GroupTarget};
use crate::domain::subscription::SubscriptionKind;
use crate::domain::sync_run::Trigger;

pub use contacts::{
    ContactBook, FolderMemory, MailboxError, MailboxMemory, MailboxRead, Mailboxes, PhonebookPatch,
};
pub use mail::{Mail, Mailer};

/// Time, so that tests own it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
    /// Returns once `for_how_long` has passed on this clock.
    async fn sleep(&self, for_how_long: Duration);
}

/// What of a person to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// The property whose texts become [`EntraUser::number_values`]; a path into a nested one uses `.`.
    pub number_property: Option<String>,
}

/// How far change reading has got: an opaque link of the directory's.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Holds an opaque state token of the directory.
        f.write_str("Cursor(..)")
    }
}

/// The members of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupMembers {
    /// All people in it, nested groups included.
    People(BTreeSet<EntraUserId>),
    /// There is no such group.
    NoSuchGroup,
}

/// One page of a search for groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPage {
    /// In the order of their names.
    pub groups: Vec<EntraGroup>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<String>,
}

/// An application permission of Microsoft Graph, for example `User.Read.All`.
pub type PermissionName = &'static str;

/// Reads of one Entra tenant. Every answer is whole: a read that broke off is an error, never a shorter list.
/// Repeating any of them is safe.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Every person in the directory, deleted ones excluded.
    async fn list_users(&self, query: &UserQuery)
    -> Result<BTreeMap<EntraUserId, EntraUser>, DirectoryError>;
    /// A cursor from which [`Directory::user_changes`] reports everything that happens after this call.
    async fn user_cursor(&self, query: &UserQuery) -> Result<Cursor, DirectoryError>;
    /// What changed since `cursor`, the last word on each person, and the next cursor.
    /// [`DirectoryError::CursorExpired`]: a full read is needed.
    async fn user_changes(
        &self,
        cursor: &Cursor,
        query: &UserQuery,
    ) -> Result<(Vec<UserChange>, Cursor), DirectoryError>;
    /// These people; those that the directory does not have are left out.
    async fn users_by_id(
        &self,
        ids: &BTreeSet<EntraUserId>,
        query: &UserQuery,
    ) -> Result<BTreeMap<EntraUserId, EntraUser>, DirectoryError>;
    /// The person with this object id or user principal name.
    async fn lookup_user(
        &self,
        id_or_upn: &str,
        query: &UserQuery,
    ) -> Result<Option<EntraUser>, DirectoryError>;
    /// A cursor from which [`Directory::group_changes`] reports everything that happens after this call.
    async fn group_cursor(&self) -> Result<Cursor, DirectoryError>;
    /// The groups whose name or direct members changed since `cursor`, deleted ones included, and the next cursor.
    async fn group_changes(
        &self,
        cursor: &Cursor,
    ) -> Result<(BTreeSet<EntraGroupId>, Cursor), DirectoryError>;
    /// Every group in the directory, distribution lists included.
    async fn list_groups(&self) -> Result<BTreeMap<EntraGroupId, EntraGroup>, DirectoryError>;
    /// These groups; those that the directory does not have are left out.
    async fn groups_by_id(
        &self,
        ids: &BTreeSet<EntraGroupId>,
    ) -> Result<BTreeMap<EntraGroupId, EntraGroup>, DirectoryError>;
    /// One page, by name, of the groups that can be synced and whose name has this text in it; all of them without one.
    async fn search_groups(
        &self,
        search: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<GroupPage, DirectoryError>;
    /// The people in each of these groups, nested ones included.
    async fn group_members(
        &self,
        groups: &BTreeSet<EntraGroupId>,
    ) -> Result<BTreeMap<EntraGroupId, GroupMembers>, DirectoryError>;
    /// Those of these groups whose members are hidden from us, so that they look empty.
    async fn hidden_among(
        &self,
        groups: &BTreeSet<EntraGroupId>,
    ) -> Result<BTreeSet<EntraGroupId>, DirectoryError>;
    /// When the app's secret in use ends, as the app registration says; [`DirectoryError::PermissionMissing`] where we may
    /// not read that.
    async fn secret_expiry(&self) -> Result<SecretExpiry, DirectoryError>;
    /// Signs in anew and asks, with the cheapest call each, for what these permissions allow; returns those that are missing.
    async fn missing_permissions(
        &self,
        needed: &[PermissionName],
    ) -> Result<Vec<PermissionName>, DirectoryError>;
}

/// What the app registration says of the secret in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretExpiry {
    /// The end of the secret, or the earliest end of those it could be.
    At(Timestamp),
    /// The registration is in another tenant, or does not list this secret, or the app has a certificate.
    Unknown,
}

/// Most people that one question for their presence may name.
pub const PRESENCES_AT_ONCE: usize = 650;

/// Teams in one Entra tenant.
#[async_trait]
pub trait TeamsPresence: Send + Sync {
    /// What these people, at most [`PRESENCES_AT_ONCE`], show in Teams. Whoever has no Teams, or shows nothing known, is
    /// left out, which says nothing about them. Repeating is safe.
    async fn presences(
        &self,
        people: &[EntraUserId],
    ) -> Result<BTreeMap<EntraUserId, TeamsStatus>, DirectoryError>;
}

/// Why the directory could not be asked. `Ok` of an empty answer is a fact, this is none.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Microsoft refused the sign-in: wrong or expired secret, unknown app or tenant. Repeating changes nothing.
    #[error("Microsoft sign-in refused: {sentence}")]
    SignInRefused {
        /// What is wrong.
        problem: SignInProblem,
        /// For the admin, with the AADSTS code.
        sentence: String,
    },
    /// The app lacks a permission. Repeating changes nothing before an admin consents.
    #[error("the app registration lacks the permission {permission}")]
    PermissionMissing {
        /// Its name.
        permission: String,
    },
    /// The change cursor is too old or unknown: read in full.
    #[error("the directory no longer knows this change cursor")]
    CursorExpired,
    /// Throttled, down, or unreachable beyond the patience of the client. Worth another run later.
    #[error("Microsoft Graph is not available: {doing}")]
    Unavailable {
        /// What was being read.
        doing: String,
        /// How long it asked us to stay away.
        retry_after: Option<Duration>,
        /// The cause.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The answer was not what Graph documents. Repeating is pointless.
    #[error("Microsoft Graph answered unexpectedly: {doing}")]
    Unexpected {
        /// What was being read, with status, code and request id.
        doing: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

/// What Graph is asked to tell, and where.
#[derive(Clone)]
pub struct WantedSubscription {
    /// Of which objects.
    pub kind: SubscriptionKind,
    /// Where changes are reported to.
    pub notification_url: String,
    /// Where the subscription's own events are reported to.
    pub lifecycle_url: String,
    /// Comes back with each report and proves it.
    pub client_state: String,
    /// When it ends unless renewed.
    pub ends_at: Timestamp,
}

/// What Graph granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedSubscription {
    /// Graph's name of it.
    pub id: SubscriptionId,
    /// When it ends unless renewed.
    pub ends_at: Timestamp,
}

/// A subscription of our app as Graph lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSubscription {
    /// Graph's name of it.
    pub id: SubscriptionId,
    /// Of which objects; `None` for others than ours.
    pub kind: Option<SubscriptionKind>,
    /// Where it reports to.
    pub notification_url: String,
}

/// The subscriptions of our app in one tenant.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// Asks for one. Repeating is safe: there is never a second one for the same objects
    /// ([`SubscriptionError::Exists`]).
    async fn subscribe(&self, wanted: &WantedSubscription) -> Result<GrantedSubscription, SubscriptionError>;
    /// Puts its end off, which also renews its authorisation; answers when it ends now. `None`: it is gone.
    async fn renew_subscription(
        &self,
        subscription: SubscriptionId,
        ends_at: Timestamp,
    ) -> Result<Option<Timestamp>, DirectoryError>;
    /// All of them.
    async fn list_subscriptions(&self) -> Result<Vec<KnownSubscription>, DirectoryError>;
    /// Ends one; gone already is success.
    async fn unsubscribe(&self, subscription: SubscriptionId) -> Result<(), DirectoryError>;
}

/// Why there is no subscription.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionError {
    /// Our app has one for the same objects already.
    #[error("Microsoft Graph has a subscription for the same objects already")]
    Exists,
    /// Graph did not like it; mostly it could not reach the address it was given.
    #[error(
        "Microsoft Graph refused the subscription ({detail}); it must reach PUBLIC_BASE_URL over https from the internet"
    )]
    Refused {
        /// Status, code and request id.
        detail: String,
    },
    /// It could not be asked.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// What is wrong with a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignInProblem {
    /// Not one of the app's secrets (AADSTS7000215).
    WrongSecret,
    /// Its end date has passed (AADSTS7000222).
    ExpiredSecret,
    /// The app is not known in the tenant, or switched off.
    UnknownApp,
    /// The app registration does not have its certificate, or that has ended (AADSTS700027).
    WrongCertificate,
    /// There is no such tenant.
    UnknownTenant,
    /// Nobody signed in to connect, or what that left us has ended; the app itself may be well.
    AccountMustSignIn,
    /// Anything else.
    Other,
}

/// What the PBX says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemInformation {
    /// For example `83.10.0.30`.
    pub firmware_version: String,
    /// Unique per PBX.
    pub serial_number: String,
}

/// What a delete found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It was there.
    Now,
    /// It was gone already.
    Earlier,
}

/// Reads and writes of one PBX. Concurrency, token and repeats of reads are the client's own business; a write is never
/// repeated by it once it may have been carried out.
#[async_trait]
pub trait PhoneSystem: Send + Sync {
    /// Firmware and serial number.
    async fn information(&self) -> Result<SystemInformation, PhoneSystemError>;
    /// The same of whoever lets us in at present. A PBX takes only tokens that it gave out itself, so it is asked once for each
    /// of them.
    async fn identity(&self) -> Result<SystemInformation, PhoneSystemError> {
        self.information().await
    }
    /// Which optional calls this firmware has.
    async fn capabilities(&self) -> Result<Capabilities, PhoneSystemError>;
    /// Licensed and used extensions.
    async fn capacity(&self) -> Result<Capacity, PhoneSystemError>;
    /// Every extension; whole or an error.
    async fn list_extensions(&self) -> Result<Vec<ExtensionRow>, PhoneSystemError>;
    /// These extensions with all owned fields; those that do not exist are left out.
    async fn extension_details(
        &self,
        ids: &BTreeSet<ExtensionId>,
    ) -> Result<BTreeMap<ExtensionId, Extension>, PhoneSystemError>;
    /// The extension that has exactly this number.
    async fn lookup_extension(&self, number: &ExtensionNumber)
    -> Result<Option<Extension>, PhoneSystemError>;
    /// Makes an extension with generated passwords that nobody keeps. [`PhoneSystemError::OutcomeUnknown`]: look before repeating.
    async fn create_extension(&self, wanted: &NewExtension) -> Result<ExtensionId, PhoneSystemError>;
    /// Writes the fields of `patch`. Repeating is safe.
    async fn update_extension(&self, id: ExtensionId, patch: &FieldsPatch) -> Result<(), PhoneSystemError>;
    /// Deletes one extension. Repeating is safe: gone already is success.
    async fn delete_extension(&self, id: ExtensionId) -> Result<Deleted, PhoneSystemError>;
    /// Has the PBX send its Linkus welcome mail. Repeating sends a second mail.
    async fn send_welcome_mail(&self, ids: &[ExtensionId]) -> Result<(), PhoneSystemError>;
    /// How many writes at once are useful to hand in; the client lets through what the PBX bears.
    fn write_slots(&self) -> usize;
    /// Gives back what the client holds on the PBX; for credentials under test: revokes its access token so that one of
    /// the eight sessions is free again. Does nothing for a client that shares its token. Never fails: what cannot be
    /// given back ends by itself after 30 minutes.
    async fn close(&self);
}

/// What an extension shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownPresence {
    /// One of the six.
    Standard(ExtensionPresence),
    /// One of the company's own making, or one that is not known.
    Other,
}

/// The presence of extensions. Changing it changes where calls go.
#[async_trait]
pub trait ExtensionPresences: Send + Sync {
    /// Sets it. Repeating writes the same again, which undoes what a person has set meanwhile.
    /// [`PhoneSystemError::OutcomeUnknown`]: look before repeating.
    async fn set_presence(
        &self,
        extension: ExtensionId,
        presence: ExtensionPresence,
    ) -> Result<(), PhoneSystemError>;
    /// What these extensions show; those that do not exist are left out. Repeating is safe.
    async fn shown_presences(
        &self,
        extensions: &BTreeSet<ExtensionId>,
    ) -> Result<BTreeMap<ExtensionId, ShownPresence>, PhoneSystemError>;
    /// How many writes at once are useful to hand in; the client lets through what the PBX bears.
    fn slots(&self) -> usize;
}

/// Reads and writes of the groups of one PBX: extension groups, or departments. Same rules as [`PhoneSystem`].
#[async_trait]
pub trait PhoneGroups: Send + Sync {
    /// Every group; whole or an error. [`PhoneSystemError::NotInThisFirmware`], [`PhoneSystemError::SwitchedOff`]: there can
    /// be none.
    async fn list_groups(&self, target: GroupTarget) -> Result<Vec<PbxGroupRow>, PhoneSystemError>;
    /// These groups with their members; those that do not exist are left out. Of departments only members among `people`
    /// are seen.
    async fn group_details(
        &self,
        target: GroupTarget,
        ids: &BTreeSet<PbxGroupId>,
        people: &BTreeSet<ExtensionId>,
    ) -> Result<BTreeMap<PbxGroupId, PbxGroup>, PhoneSystemError>;
    /// Makes a group. [`PhoneSystemError::OutcomeUnknown`]: look before repeating.
    async fn create_group(
        &self,
        target: GroupTarget,
        wanted: &GroupValues,
    ) -> Result<PbxGroupId, PhoneSystemError>;
    /// Writes what differs. Repeating is safe. What the PBX made of it has to be read back: not every firmware renames.
    async fn update_group(&self, target: GroupTarget, patch: &GroupPatch) -> Result<(), PhoneSystemError>;
    /// Deletes one group. Repeating is safe: gone already is success.
    async fn delete_group(&self, target: GroupTarget, id: PbxGroupId) -> Result<Deleted, PhoneSystemError>;
}

/// What lets one extension into a client of the Linkus SDK without its password. Prints nothing of itself.
#[derive(Debug, Clone)]
pub struct LoginSignature {
    /// The signature.
    pub sign: SecretString,
    /// When it ends; `None` where this firmware makes only such as never end.
    pub ends_at: Option<Timestamp>,
}

/// The Linkus SDK side of a PBX: its own credentials, its own sessions.
#[async_trait]
pub trait LinkusSignIn: Send + Sync {
    /// A signature for the extension with this number, good for about so long. Repeating makes another one.
    async fn login_signature(
        &self,
        extension: &ExtensionNumber,
        life: Duration,
    ) -> Result<LoginSignature, PhoneSystemError>;
    /// Signs in with the SDK's credentials and asks for nothing.
    async fn sign_in(&self) -> Result<(), PhoneSystemError>;
    /// Frees the session of a client under test; one of a stored connection keeps its own.
    async fn close(&self);
}

/// Why the PBX did not do it.
#[derive(Debug, thiserror::Error)]
pub enum PhoneSystemError {
    /// A value was refused (40001, 40002, 60101, 70120). Repeating is pointless before the value changes.
    #[error("the PBX refused the value of {field}: {detail}")]
    Invalid {
        /// The PBX's name of the key, or `request` where it named none.
        field: String,
        /// Its code and words.
        detail: String,
    },
    /// A unique value is in use (40003).
    #[error("the PBX already uses this value: {detail}")]
    Conflict {
        /// Its code and words, with the key where it named one.
        detail: String,
    },
    /// No room for another one (60002 on a create).
    #[error("the PBX has reached its limit")]
    CapacityReached,
    /// It does not exist (60001).
    #[error("the PBX does not have this object")]
    NotFound,
    /// An admin has to switch something on first (70120).
    #[error("{sentence}")]
    SwitchedOff {
        /// For the admin, with the code.
        sentence: String,
    },
    /// This firmware does not have the call (10001).
    #[error("this firmware does not have {call}")]
    NotInThisFirmware {
        /// The call.
        call: String,
    },
    /// The PBX shut us out: wrong credentials, blocked or forbidden address, API off, no free session, no answer to a sign-in.
    /// Nothing more will work now.
    #[error("{sentence}")]
    Shut {
        /// Which of them.
        problem: ShutProblem,
        /// For the admin, with the code.
        sentence: String,
    },
    /// A write was sent and no usable answer came: it may or may not have been carried out.
    #[error("the PBX gave no answer to {doing}; it may have been carried out")]
    OutcomeUnknown {
        /// What was sent.
        doing: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// Busy, slow or unreachable beyond the patience of the client; nothing was carried out.
    #[error("the PBX cannot be reached: {doing}")]
    Unavailable {
        /// What was being done.
        doing: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// An answer that the API does not document, or a refusal of a kind not named above.
    #[error("the PBX answered unexpectedly: {doing}")]
    Unexpected {
        /// What was being done, with the code.
        doing: String,
    },
}

/// How a PBX shut us out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShutProblem {
    /// Client ID or Client Secret.
    WrongCredentials,
    /// 70004: our address is blocked after failed sign-ins.
    AddressBlocked,
    /// 70087: our address is not on the allow-list.
    AddressForbidden,
    /// 70123: the API is switched off.
    ApiOff,
    /// 60002 on sign-in: all eight sessions are in use.
    NoFreeSession,
    /// A sign-in without a usable answer: it may hold a session all the same.
    NoAnswer,
    /// The certificate is not trusted, or the address is not allowed.
    NotTrusted,
}

/// The token pair that all functions share for one PBX.
#[derive(Clone)]
pub struct PbxTokens {
    /// For calls, 30 minutes.
    pub access_token: secrecy::SecretString,
    /// For one renewal, 24 hours.
    pub refresh_token: secrecy::SecretString,
    /// When the access token ends.
    pub access_ends: Timestamp,
    /// When the refresh token ends.
    pub refresh_ends: Timestamp,
    /// What it was obtained with, and from whom: it is shown to nobody else.
    pub of: CredentialsDigest,
}

/// Which credentials of which PBX, without telling any of it.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CredentialsDigest(String);

impl CredentialsDigest {
    /// Each text is preceded by its length, so that no two lists of texts are one.
    pub fn of(texts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for text in texts {
            hash.update(text.len().to_be_bytes());
            hash.update(text.as_bytes());
        }
        Self(hex::encode(hash.finalize()))
    }
}

impl std::fmt::Debug for CredentialsDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CredentialsDigest(..)")
    }
}

/// Keeps the token pair of a PBX where all functions find it, and lets one of them renew it at a time.
#[async_trait]
pub trait PbxTokenStore: Send + Sync {
    /// The pair as last saved.
    async fn load(&self) -> Result<Option<PbxTokens>, TokenStoreError>;
    /// Whether the caller may renew now; others get `false` until it saved, gave up, or `until` passed.
    async fn claim_renewal(&self, now: Timestamp, until: Timestamp) -> Result<bool, TokenStoreError>;
    /// Stores the pair and ends the claim.
    async fn save(&self, tokens: &PbxTokens) -> Result<(), TokenStoreError>;
    /// Why these credentials were refused, if anybody was told so since the last pair was saved. Five refusals block our
    /// address on the PBX, so nobody may ask again.
    async fn refusal(&self, of: &CredentialsDigest) -> Result<Option<String>, TokenStoreError>;
    /// Remembers that these credentials were refused, forgets the pair and ends the claim.
    async fn note_refusal(&self, of: &CredentialsDigest, sentence: &str) -> Result<(), TokenStoreError>;
    /// Forgets the pair and any refusal, and ends the claim.
    async fn clear(&self) -> Result<(), TokenStoreError>;
}

/// The table could not be asked for a token.
#[derive(Debug, thiserror::Error)]
#[error("the shared PBX token could not be read or written")]
pub struct TokenStoreError(#[source] pub Box<dyn Error + Send + Sync>);

/// Both sides of a connection, ready to talk to.
#[derive(Clone)]
pub struct Sides {
    /// The Entra tenant.
    pub directory: Arc<dyn Directory>,
    /// What the tenant is asked to tell.
    pub subscriptions: Arc<dyn Subscriptions>,
    /// The PBX.
    pub phone_system: Arc<dyn PhoneSystem>,
    /// Its groups.
    pub groups: Arc<dyn PhoneGroups>,
    /// Who is available in the tenant.
    pub teams: Arc<dyn TeamsPresence>,
    /// Who is available on the PBX.
    pub extension_presences: Arc<dyn ExtensionPresences>,
    /// The tenant's mailboxes, as the app may read them.
    pub mailboxes: Arc<dyn Mailboxes>,
    /// The same, as whoever connected may read them.
    pub account_mailboxes: Arc<dyn Mailboxes>,
    /// The PBX's company contacts.
    pub contact_book: Arc<dyn ContactBook>,
    /// Mail that the PBX sends.
    pub mailer: Arc<dyn Mailer>,
}

/// Makes the clients of a connection.
#[async_trait]
pub trait SideFactory: Send + Sync {
    /// Clients of a stored connection; they share the PBX token through the table.
    fn sides(&self, connection: &Connection, secrets: &ConnectionSecrets) -> Result<Sides, SideError>;
    /// The Linkus SDK side of a stored connection; `None` where nobody gave its credentials.
    fn linkus(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
    ) -> Result<Option<Arc<dyn LinkusSignIn>>, SideError>;
    /// Clients with credentials under test; the PBX token lives and dies with them.
    fn sides_under_test(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
    ) -> Result<Sides, SideError>;
    /// The same of the Linkus SDK; `None` where nobody gave its credentials.
    fn linkus_under_test(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
    ) -> Result<Option<Arc<dyn LinkusSignIn>>, SideError>;
}

/// The settings of a connection do not make a client.
#[derive(Debug, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct SideError {
    /// JSON pointer of the field.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// A message that a connection has something due. Only a hint: the table knows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SyncHint {
    /// Which connection.
    pub connection_id: ConnectionId,
    /// Why.
    pub trigger: Trigger,
    /// Which run, if one waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<SyncRunId>,
}

/// A message that the presence of a connection is due. Only a hint: the table knows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PresenceHint {
    /// Which connection.
    pub connection_id: ConnectionId,
}

/// Sends hints to the presence queue. A hint that is lost costs a minute, one that comes twice costs a read.
#[async_trait]
pub trait PresenceQueue: Send + Sync {
    /// Sends one.
    async fn send_presence(&self, hint: &PresenceHint) -> Result<(), QueueError>;
}

/// Sends hints to the sync queue. A hint that is lost costs a minute, one that comes twice costs a read.
#[async_trait]
pub trait SyncQueue: Send + Sync {
    /// Sends one.
    async fn send(&self, hint: &SyncHint) -> Result<(), QueueError>;
}

/// The queue did not take a hint; what is due stays due.
#[derive(Debug, thiserror::Error)]
#[error("the queue did not take the message")]
pub struct QueueError(#[source] pub Box<dyn Error + Send + Sync>);
