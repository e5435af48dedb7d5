//! The settings document of a connection, field for field as the admin API takes it.
//! Parsing refuses unknown fields; `settings_check` judges the values.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::entra_user::UserType;
use super::ids::EntraGroupId;
use super::number::{ExtensionNumber, NumberRange};
use super::office_hours::OfficeHours;

macro_rules! document {
    ($($item:item)*) => { $(
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields, default)]
        $item
    )* };
}

macro_rules! word {
    ($($item:item)*) => { $(
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        $item
    )* };
}

document! {
    /// Everything an admin decides about one connection.
    #[derive(Default)]
    pub struct ConnectionSettings {
        /// When the full sync runs.
        pub schedule: Schedule,
        /// How changes in Entra start a sync.
        pub change_sync: ChangeSync,
        /// People to extensions.
        pub users: UserSettings,
        /// Groups to extension groups.
        pub groups: GroupSettings,
        /// Outlook contacts to phonebooks.
        pub contacts: ContactSettings,
        /// Teams presence to extension presence.
        pub presence: PresenceSettings,
        /// Microsoft sign-in for Linkus.
        pub sso: SsoSettings,
        /// The guard against removing too much.
        pub safety: SafetySettings,
    }

    /// When the full sync runs, in the PBX's local time.
    pub struct Schedule {
        /// Daily, or on the days named.
        pub frequency: Frequency,
        /// `HH:MM`, 24 hours.
        pub time: String,
        /// For weekly: one or more.
        pub days: BTreeSet<Day>,
        /// IANA name, for example `Asia/Shanghai`.
        pub time_zone: String,
    }

    /// How changes in Entra start a sync.
    pub struct ChangeSync {
        /// Off: the schedule and manual runs only.
        pub enabled: bool,
        /// Any change is synced within this many seconds, 10 to 600.
        pub max_delay_seconds: u32,
        /// So many changed objects start a sync at once, 1 to 1000.
        pub change_threshold: u32,
    }

    /// People to extensions.
    pub struct UserSettings {
        /// Off is paused: nothing of it is read or written.
        pub enabled: bool,
        /// Who gets an extension.
        pub scope: UserScope,
        /// People not wanted though the scope has them: members of these groups, nested ones included.
        pub delete_when_out_of_scope: bool,
        /// Which number a person gets.
        pub number: NumberRule,
        /// Account states that delete the extension.
        pub delete_when: BTreeSet<DeleteWhen>,
        /// Days between a person's leaving and the deletion, 0 to 365.
        pub delete_grace_days: u32,
        /// Take over an unbound extension that has the person's mail address.
        pub bind_same_email: bool,
        /// Have the PBX send the Linkus welcome mail for each created extension.
        pub send_welcome_email: bool,
    }

    /// Groups to extension groups.
    pub struct GroupSettings {
        /// Off is paused.
        pub enabled: bool,
        /// Which groups.
        pub scope: GroupScope,
        /// Delete, instead of keep and release, what fell out of the scope.
        pub delete_when_out_of_scope: bool,
        /// What a group becomes on the PBX.
        pub target: GroupTarget,
    }

    /// Outlook contacts to phonebooks.
    pub struct ContactSettings {
        /// Off is paused.
        pub enabled: bool,
        /// With which rights contacts are read.
        pub access: ContactAccess,
        /// ISO 3166 country for numbers without a country code.
        pub default_country: String,
        /// Each person's own contacts.
        pub personal: PersonalContacts,
        /// Contacts of shared mailboxes.
        pub shared: SharedContacts,
    }

    /// Each person's own contacts.
    #[derive(Default)]
    pub struct PersonalContacts {
        /// On or off.
        pub enabled: bool,
        /// Whose.
        pub scope: PeopleScope,
        /// The admin has read that a phonebook with all contacts shows these to everyone who sees it.
        pub acknowledged_visibility: bool,
    }

    /// Contacts of shared mailboxes.
    pub struct SharedContacts {
        /// On or off.
        pub enabled: bool,
        /// All of them, or those named.
        pub scope: MailboxScope,
        /// Mailbox to phonebook.
        pub mailboxes: Vec<MailboxTarget>,
    }

    /// Teams presence to extension presence.
    pub struct PresenceSettings {
        /// Off is paused.
        pub enabled: bool,
        /// Whether people without a choice of their own take part.
        pub users_default: OnOff,
        /// Teams status to extension status.
        pub mapping: PresenceMapping,
        /// Other mappings for the members of groups, nested ones included; of several the first wins.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub groups: Vec<GroupMapping>,
        /// Outside of these hours nothing is carried; without them it always is.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub office_hours: Option<OfficeHours>,
    }

    /// Teams status to extension status.
    #[derive(Copy)]
    pub struct PresenceMapping {
        /// Teams: Available.
        pub available: ExtensionPresence,
        /// Teams: Busy.
        pub busy: ExtensionPresence,
        /// Teams: Do not disturb.
        pub do_not_disturb: ExtensionPresence,
        /// Teams: Be right back.
        pub be_right_back: ExtensionPresence,
        /// Teams: Appear away.
        pub away: ExtensionPresence,
        /// Teams: Appear offline.
        pub offline: ExtensionPresence,
    }

    /// Microsoft sign-in for Linkus.
    #[derive(Default)]
    pub struct SsoSettings {
        /// Off is paused.
        pub enabled: bool,
        /// Where a signed-in client may be sent back to, compared character for character.
        pub redirect_uris: Vec<String>,
    }

    /// A run that would remove more than `min(max_removals, max(10, max_removals_percent of the managed))` is held.
    pub struct SafetySettings {
        /// Most removals of a kind, 0 to 100000.
        pub max_removals: u32,
        /// In percent of the managed objects, 0 to 100.
        pub max_removals_percent: u32,
    }
}

word! {
    /// How often.
    pub enum Frequency { /// Every day.
        Daily, /// On the days named.
        Weekly }
    /// An account state that deletes the extension.
    pub enum DeleteWhen { /// Sign-in blocked.
        Disabled, /// Gone from the directory.
        Deleted }
    /// What a group becomes on the PBX.
    pub enum GroupTarget { /// An extension group.
        ExtensionGroup, /// A department.
        Organization }
    /// With which rights contacts are read.
    pub enum ContactAccess { /// The app's own.
        Application, /// Those of the person who connected.
        AuthorisedAccount }
    /// All mailboxes or those named.
    pub enum MailboxScope { /// Every shared mailbox.
        All, /// Those in the list.
        Selected }
    /// A switch written as a word.
    pub enum OnOff { /// On.
        On, /// Off.
        Off }
    /// The six standard statuses of an extension, as the PBX spells them.
    pub enum ExtensionPresence { /// Available.
        Available, /// Away.
        Away, /// Business trip.
        BusinessTrip, /// Do not disturb.
        DoNotDisturb, /// Lunch break.
        Lunch, /// Off work.
        OffWork }
    /// A day of the week.
    pub enum Day { /// Monday.
        Monday, /// Tuesday.
        Tuesday, /// Wednesday.
        Wednesday, /// Thursday.
        Thursday, /// Friday.
        Friday, /// Saturday.
        Saturday, /// Sunday.
        Sunday }
    /// A kind of group.
    pub enum GroupType { /// Security groups, mail-enabled ones too.
        Security, /// Microsoft 365 groups.
        Microsoft365 }
}

/// Where a mailbox's contacts go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailboxTarget {
    /// Address of the shared mailbox.
    pub mailbox: String,
    /// Name of the phonebook.
    pub phonebook: String,
}

/// The mapping of a group's members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupMapping {
    /// The group.
    pub group_id: EntraGroupId,
    /// Teams status to extension status.
    #[serde(default)]
    pub mapping: PresenceMapping,
}

/// Who gets an extension.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserScope {
    /// All, by type, or by group.
    pub kind: ScopeKind,
    /// With kind `types`: one or both.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub types: BTreeSet<UserType>,
    /// With kind `groups`: members, nested ones included.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub group_ids: BTreeSet<EntraGroupId>,
    /// Members of these, nested ones included, are left out.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub exclude_group_ids: BTreeSet<EntraGroupId>,
    /// A person whose account is disabled gets no extension. One that exists is judged by `delete_when` alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_enabled: bool,
}

word! {
    /// How the people are chosen.
    #[derive(Default)]
    pub enum ScopeKind {
        /// Everyone.
        #[default]
        All,
        /// By user type.
        Types,
        /// By group membership.
        Groups,
    }
}

/// Which groups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupScope {
    /// All, by type, or those named.
    pub kind: ScopeKind,
    /// With kind `types`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub types: BTreeSet<GroupType>,
    /// With kind `groups`; their order decides which win when not all fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_ids: Vec<EntraGroupId>,
}

/// Whose personal contacts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeopleScope {
    /// All synced people, or members of groups.
    pub kind: ScopeKind,
    /// With kind `groups`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub group_ids: BTreeSet<EntraGroupId>,
}

/// Which number a person gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum NumberRule {
    /// The smallest free number from `start`.
    Automatic {
        /// First number tried.
        start: ExtensionNumber,
        /// Numbers and ranges never given out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reserved: Vec<NumberRange>,
    },
    /// Read from a property of the Graph user resource.
    Property {
        /// Its name; a path into a nested one uses `.`.
        name: String,
        /// Use the last so many digits of the text; without it the text must be digits alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_digits: Option<u8>,
        /// Numbers and ranges never given out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reserved: Vec<NumberRange>,
    },
}

impl NumberRule {
    /// Numbers and ranges never given out.
    pub fn reserved(&self) -> &[NumberRange] {
        match self {
            Self::Automatic { reserved, .. } | Self::Property { reserved, .. } => reserved,
        }
    }

    /// The property to read, with kind `property`.
    pub fn property(&self) -> Option<&str> {
        match self {
            Self::Automatic { .. } => None,
            Self::Property { name, .. } => Some(name),
        }
    }
}

impl UserSettings {
    /// Every group whose members must be known to judge who is in scope.
    pub fn groups_to_read(&self) -> BTreeSet<EntraGroupId> {
        let chosen = match self.scope.kind {
            ScopeKind::Groups => self.scope.group_ids.clone(),
            ScopeKind::All | ScopeKind::Types => BTreeSet::new(),
        };
        chosen.union(&self.scope.exclude_group_ids).copied().collect()
    }
}

impl ConnectionSettings {
    /// Whether any part would do something.
    pub fn any_part_enabled(&self) -> bool {
        self.users.enabled
            || self.groups.enabled
            || self.contacts.enabled
            || self.presence.enabled
            || self.sso.enabled
    }

    /// Whether any part is on that sync runs do.
    pub fn any_synced_part_enabled(&self) -> bool {
        self.users.enabled || self.groups.enabled || self.contacts.enabled
    }

    /// Changes with any rule about people: what a change read by older rules leaves out, only a full read can show.
    ///
    /// # Panics
    /// Never: settings are plain data with text keys.
    pub fn rules_fingerprint(&self) -> String {
        let rules = serde_json::to_string(&self.users).expect("settings are plain data with text keys");
        hex::encode(Sha256::digest(rules))
    }

    /// A short text that changes when a stored change cursor would no longer report what these settings need.
    pub fn read_fingerprint(&self) -> String {
        let relevant: BTreeMap<&str, String> = BTreeMap::from([(
            "number_property",
            self.users.number.property().unwrap_or("").to_owned(),
        )]);
        relevant
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join(";")
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            frequency: Frequency::Daily,
            time: "00:30".to_owned(),
            days: BTreeSet::new(),
            time_zone: "UTC".to_owned(),
        }
    }
}

impl Default for ChangeSync {
    fn default() -> Self {
        Self {
            enabled: true,
            max_delay_seconds: 600,
            change_threshold: 10,
        }
    }
}

impl Default for UserSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            scope: UserScope::default(),
            delete_when_out_of_scope: false,
            number: NumberRule::default(),
            delete_when: BTreeSet::from([DeleteWhen::Disabled, DeleteWhen::Deleted]),
            delete_grace_days: 0,
            bind_same_email: true,
            send_welcome_email: false,
        }
    }
}

impl Default for NumberRule {
    fn default() -> Self {
        let start = ExtensionNumber::parse("2000").expect("four digits are a number");
        Self::Automatic {
            start,
            reserved: Vec::new(),
        }
    }
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            scope: GroupScope::default(),
            delete_when_out_of_scope: false,
            target: GroupTarget::ExtensionGroup,
        }
    }
}

impl Default for ContactSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            access: ContactAccess::Application,
            default_country: "CN".to_owned(),
            personal: PersonalContacts::default(),
            shared: SharedContacts::default(),
        }
    }
}

impl Default for SharedContacts {
    fn default() -> Self {
        Self {
            enabled: false,
            scope: MailboxScope::Selected,
            mailboxes: Vec::new(),
        }
    }
}

impl Default for PresenceSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            users_default: OnOff::Off,
            mapping: PresenceMapping::default(),
            groups: Vec::new(),
            office_hours: None,
        }
    }
}

impl Default for PresenceMapping {
    fn default() -> Self {
        Self {
            available: ExtensionPresence::Available,
            busy: ExtensionPresence::Away,
            do_not_disturb: ExtensionPresence::DoNotDisturb,
            be_right_back: ExtensionPresence::Lunch,
            away: ExtensionPresence::OffWork,
            offline: ExtensionPresence::OffWork,
        }
    }
}

impl Default for SafetySettings {
    fn default() -> Self {
        Self {
            max_removals: 500,
            max_removals_percent: 5,
        }
    }
}
