//! Where everything lies in the one table. `pk` and `sk` are the table's key; a key is made here or nowhere.
//!
//! | asked for | by |
//! |---|---|
//! | one connection, its secrets, settings, work state, cursors, PBX tokens | `C#<id>`, fixed sort keys |
//! | a connection's pending changes, its watch over the tenant, its state of presence | `C#<id>`, fixed sort keys |
//! | a connection's alerts, who is told of them, the secret of its webhook | `C#<id>`, fixed sort keys |
//! | all connections, oldest first | `FLEET`, sorted by connection id |
//! | which connection has this PBX | `PBX#<serial>` |
//! | a connection's runs, newest first; one run | `C#<id>#RUN`, sorted by run id, which sorts by time |
//! | a connection's bindings; one person's | `C#<id>#B`, sorted by object id |
//! | a connection's group bindings; one group's | `C#<id>#G`, sorted by target, then object id |
//! | what the groups were in step with | `C#<id>`, fixed sort key |
//! | who holds a number, and what they are looked for by | `C#<id>#N`, sorted by number |
//! | numbers the PBX uses for something else | `C#<id>#X`, sorted by number |
//! | a run's records; a connection's records by time | `C#<id>#R`, sorted by run id, then object |
//! | one object's records by time | index `history`: `object_key`, `object_at` |
//! | what is due | index `due`: `due_shard`, `due_at`; only work states, pending changes, watches, presence, care and alerts with something due |
//! | whose presence is carried, 650 an item; how far each has come | `C#<id>#T`, `R#<place>` and `S#<place>` |
//! | what was decided about people's presence; about one person's | `C#<id>#TC`, sorted by object id |
//! | a list of skipped or held objects | `C#<id>#P#<name>`: a head and its chunks |
//! | a connection's contacts, its phonebooks, or both | `C#<id>#K`: `C#<key>` and `B#<mailbox>` |
//! | which phonebooks were shown to people in the PBX portal, as an admin says | `C#<id>#V`, sorted by phonebook |
//! | what a mailbox held when it was last read | `C#<id>#M`, `<mailbox>` and further chunks |
//! | what groups of the settings are called | `C#<id>`, fixed sort key |
//! | what a tenant's mailboxes are for | `C#<id>`, fixed sort key |
//! | one API token; all of them | `TOKENS`, sorted by hash |
//! | a sign-in under way, by its state; a code for an app, by itself | `LOGIN#<hash>`, `CODE#<hash>` |
//! | a browser's session, by its cookie | `SESSION#<hash>` |
//! | what is the whole installation's | `INSTALL`, fixed sort keys |

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::Row;
use crate::domain::ids::{ConnectionId, EntraGroupId, EntraUserId, SyncRunId};
use crate::domain::number::ExtensionNumber;
use crate::domain::operation_record::OperationRecord;
use crate::domain::settings::GroupTarget;

/// Index of what is due.
pub(super) const DUE_INDEX: &str = "due";
/// Index of what happened to one object.
pub(super) const HISTORY_INDEX: &str = "history";
/// Sort key of a connection's watch over its tenant.
pub(super) const WATCH: &str = "WATCH";
/// Sort key of the care of a connection's secret.
pub(super) const SECRET_CARE: &str = "SECRETCARE";
/// Sort key of a connection's alerts.
pub(super) const ALERTS: &str = "ALERTS";
/// Sort key of a connection's state of presence.
pub(super) const PRESENCE: &str = "PRESENCE";
/// How many partitions the due index is spread over, so that one never takes the writes of a whole fleet.
pub(super) const DUE_SHARDS: u8 = 8;

/// A partition: everything that one query can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Partition(String);

/// The place of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    partition: String,
    sort: String,
}

impl Partition {
    /// The items of a connection that exist once.
    pub(super) fn connection(id: ConnectionId) -> Self {
        Self(format!("C#{id}"))
    }
    /// Pointers to all connections.
    pub(super) fn fleet() -> Self {
        Self("FLEET".to_owned())
    }
    /// Runs.
    pub(super) fn runs(id: ConnectionId) -> Self {
        Self(format!("C#{id}#RUN"))
    }
    /// Bindings.
    pub(super) fn bindings(id: ConnectionId) -> Self {
        Self(format!("C#{id}#B"))
    }
    /// Bindings of groups.
    pub(super) fn group_bindings(id: ConnectionId) -> Self {
        Self(format!("C#{id}#G"))
    }
    /// Numbers held by people.
    pub(super) fn numbers(id: ConnectionId) -> Self {
        Self(format!("C#{id}#N"))
    }
    /// Numbers that the PBX uses for something else.
    pub(super) fn refused_numbers(id: ConnectionId) -> Self {
        Self(format!("C#{id}#X"))
    }
    /// Records.
    pub(super) fn records(id: ConnectionId) -> Self {
        Self(format!("C#{id}#R"))
    }
    /// One packed list.
    pub(super) fn packed(id: ConnectionId, name: &str) -> Self {
        Self(format!("C#{id}#P#{name}"))
    }
    /// The people whose presence is carried.
    pub(super) fn presence(id: ConnectionId) -> Self {
        Self(format!("C#{id}#T"))
    }
    /// What was decided about people's presence.
    pub(super) fn presence_choices(id: ConnectionId) -> Self {
        Self(format!("C#{id}#TC"))
    }
    /// Contacts and phonebooks that are ours.
    pub(super) fn contacts(id: ConnectionId) -> Self {
        Self(format!("C#{id}#K"))
    }
    /// Phonebooks that were shown to people.
    pub(super) fn shown_phonebooks(id: ConnectionId) -> Self {
        Self(format!("C#{id}#V"))
    }
    /// What mailboxes held.
    pub(super) fn mailboxes(id: ConnectionId) -> Self {
        Self(format!("C#{id}#M"))
    }
    /// API tokens.
    pub(super) fn api_tokens() -> Self {
        Self("TOKENS".to_owned())
    }

    /// The item of this partition with that sort key.
    pub(super) fn at(&self, sort: impl Into<String>) -> Key {
        Key {
            partition: self.0.clone(),
            sort: sort.into(),
        }
    }

    /// For a query.
    pub(super) fn value(&self) -> AttributeValue {
        AttributeValue::S(self.0.clone())
    }
}

impl Key {
    pub(super) fn meta(id: ConnectionId) -> Self {
        Partition::connection(id).at("META")
    }
    pub(super) fn fleet(id: ConnectionId) -> Self {
        Partition::fleet().at(id.to_string())
    }
    pub(super) fn pbx(serial_number: &str) -> Self {
        Partition(format!("PBX#{serial_number}")).at("CLAIM")
    }
    pub(super) fn secrets(id: ConnectionId) -> Self {
        Partition::connection(id).at("SECRETS")
    }
    pub(super) fn settings(id: ConnectionId) -> Self {
        Partition::connection(id).at("SETTINGS")
    }
    pub(super) fn state(id: ConnectionId) -> Self {
        Partition::connection(id).at("STATE")
    }
    pub(super) fn pending(id: ConnectionId) -> Self {
        Partition::connection(id).at("PENDING")
    }
    pub(super) fn watch(id: ConnectionId) -> Self {
        Partition::connection(id).at(WATCH)
    }
    pub(super) fn secret_care(id: ConnectionId) -> Self {
        Partition::connection(id).at(SECRET_CARE)
    }
    pub(super) fn alerts(id: ConnectionId) -> Self {
        Partition::connection(id).at(ALERTS)
    }
    pub(super) fn alert_settings(id: ConnectionId) -> Self {
        Partition::connection(id).at("ALERTSETTINGS")
    }
    pub(super) fn alert_secret(id: ConnectionId) -> Self {
        Partition::connection(id).at("ALERTSECRET")
    }
    pub(super) fn presence(id: ConnectionId) -> Self {
        Partition::connection(id).at(PRESENCE)
    }
    pub(super) fn presence_people(id: ConnectionId, place: u32) -> Self {
        Partition::presence(id).at(Self::presence_people_sort(place))
    }
    pub(super) fn presence_people_sort(place: u32) -> String {
        format!("R#{place:05}")
    }
    pub(super) fn presence_standings(id: ConnectionId, place: u32) -> Self {
        Partition::presence(id).at(format!("S#{place:05}"))
    }
    pub(super) fn presence_choice(id: ConnectionId, user: EntraUserId) -> Self {
        Partition::presence_choices(id).at(user.to_string())
    }
    pub(super) fn webhook_key() -> Self {
        Partition("INSTALL".to_owned()).at("WEBHOOKKEY")
    }
    pub(super) fn cookie_keys() -> Self {
        Partition("INSTALL".to_owned()).at("COOKIEKEYS")
    }
    pub(super) fn login_attempt(hash: &str) -> Self {
        Partition(format!("LOGIN#{hash}")).at("LOGIN")
    }
    pub(super) fn sso_code(hash: &str) -> Self {
        Partition(format!("CODE#{hash}")).at("CODE")
    }
    pub(super) fn session(hash: &str) -> Self {
        Partition(format!("SESSION#{hash}")).at("SESSION")
    }
    pub(super) fn cursor(id: ConnectionId, kind: &str) -> Self {
        Partition::connection(id).at(format!("CURSOR#{kind}"))
    }
    pub(super) fn pbx_tokens(id: ConnectionId) -> Self {
        Partition::connection(id).at("PBXTOKENS")
    }
    pub(super) fn console_access(id: ConnectionId) -> Self {
        Partition::connection(id).at("CONSOLE")
    }
    pub(super) fn mailbox_purposes(id: ConnectionId) -> Self {
        Partition::connection(id).at("PURPOSES")
    }
    pub(super) fn group_names(id: ConnectionId) -> Self {
        Partition::connection(id).at("GROUPNAMES")
    }
    pub(super) fn delegated_grant(id: ConnectionId) -> Self {
        Partition::connection(id).at("GRANT")
    }
    pub(super) fn waiting_certificate(id: ConnectionId) -> Self {
        Partition::connection(id).at("NEXTCERT")
    }
    pub(super) fn sdk_tokens(id: ConnectionId) -> Self {
        Partition::connection(id).at("SDKTOKENS")
    }
    pub(super) fn run(id: ConnectionId, run: SyncRunId) -> Self {
        Partition::runs(id).at(run.to_string())
    }
    pub(super) fn binding(id: ConnectionId, user: EntraUserId) -> Self {
        Partition::bindings(id).at(user.to_string())
    }
    pub(super) fn group_binding(id: ConnectionId, target: GroupTarget, group: EntraGroupId) -> Self {
        let letter = match target {
            GroupTarget::ExtensionGroup => 'e',
            GroupTarget::Organization => 'o',
        };
        Partition::group_bindings(id).at(format!("{letter}#{group}"))
    }
    pub(super) fn groups_mark(id: ConnectionId) -> Self {
        Partition::connection(id).at("GROUPS")
    }
    pub(super) fn number(id: ConnectionId, number: &ExtensionNumber) -> Self {
        Partition::numbers(id).at(number.as_str())
    }
    pub(super) fn refused_number(id: ConnectionId, number: &ExtensionNumber) -> Self {
        Partition::refused_numbers(id).at(number.as_str())
    }
    /// Made of what the record is about and not of when, so that writing it again replaces it.
    pub(super) fn record(id: ConnectionId, record: &OperationRecord) -> Self {
        let OperationRecord {
            run,
            object,
            entra_id,
            kind,
            ..
        } = record;
        Partition::records(id).at(format!("{run}#{object:?}#{entra_id}#{kind:?}"))
    }
    pub(super) fn api_token(hash: &str) -> Self {
        Partition::api_tokens().at(hash)
    }

    /// Whether an item lies here.
    pub(super) fn is_of(&self, item: &Row) -> bool {
        self.row()
            .iter()
            .all(|(name, value)| item.get(name) == Some(value))
    }

    /// For a request.
    pub(super) fn row(&self) -> Row {
        [("pk", &self.partition), ("sk", &self.sort)]
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.clone())))
            .into()
    }
}

/// Key of one object in the history index.
pub(super) fn object_key(id: ConnectionId, object: &str) -> String {
    format!("{id}#{object}")
}

/// Which partition of the due index a connection is in.
pub(super) fn due_shard(id: ConnectionId) -> String {
    // The last byte of an id is random, its first ones are the time.
    let last = id.as_uuid().as_bytes().last().copied().unwrap_or(0);
    (last % DUE_SHARDS).to_string()
}
