//! What each program needs of the environment. A role that gets a value has all of them right.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use url::Url;

use super::reader::Reader;
use super::values::{base_url, log_filter};
use super::{
    AddressPolicy, GraphAddresses, LogFormat, LogSettings, SecretsKey, SettingsError, TableName, TokenHash,
    TopicArn, Vars, WebOrigin,
};
use crate::changes::Address;

/// A demo tells its story itself.
const DEMO_LOG: &str = "warn";
const SERVE_LOG: &str = "info";

const GRAPH: &str = "https://graph.microsoft.com/v1.0";
const LOGIN: &str = "https://login.microsoftonline.com";

/// What every function needs to do its work.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The table.
    pub table: TableName,
    /// For secrets at rest.
    pub secrets_key: SecretsKey,
    /// Where sync hints go; without it the scheduler finds what is due within a minute.
    pub sync_queue: Option<Url>,
    /// Where Microsoft answers.
    pub microsoft: GraphAddresses,
    /// Which addresses a PBX may have.
    pub policy: AddressPolicy,
}

/// Whether a role is of use without the sync queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Queue {
    Needed,
    Helpful,
    Unused,
}

/// Of the function `scheduler`.
#[derive(Debug, Clone)]
pub struct SchedulerSettings {
    /// What it works on.
    pub engine: EngineSettings,
    /// Where presence hints go.
    pub presence_queue: Option<Url>,
    /// At which origin the world reaches us; not set: notifications are not asked for.
    pub public_base_url: Option<WebOrigin>,
    /// Where alerts are published, if anywhere.
    pub alert_topic: Option<TopicArn>,
    /// Logs.
    pub log: LogSettings,
}

impl SchedulerSettings {
    /// Reads the role's variables.
    pub fn read(vars: &Vars) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(vars);
        let engine = engine(&mut reader, Queue::Needed);
        let presence_queue = reader.optional("PRESENCE_QUEUE_URL", base_url);
        let public_base_url = reader.optional("PUBLIC_BASE_URL", WebOrigin::parse);
        let alert_topic = reader.optional("ALERT_TOPIC_ARN", TopicArn::parse);
        let log = log(&mut reader, LogFormat::Json, "info");
        reader.finish(engine.map(|engine| Self {
            engine,
            presence_queue,
            public_base_url,
            alert_topic,
            log,
        }))
    }

    /// Where Graph may report to.
    pub fn address(&self) -> Address {
        match &self.public_base_url {
            Some(origin) => Address::of(origin, &self.engine.microsoft.graph),
            None => Address::unknown(),
        }
    }
}

/// Of the function `graph-notifications`.
#[derive(Debug, Clone)]
pub struct NotificationsSettings {
    /// The table.
    pub table: TableName,
    /// For the key of the secret words.
    pub secrets_key: SecretsKey,
    /// Where sync hints go.
    pub sync_queue: Url,
    /// Logs.
    pub log: LogSettings,
}

impl NotificationsSettings {
    /// Reads the role's variables.
    pub fn read(vars: &Vars) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(vars);
        let table = table(&mut reader);
        let secrets_key = secrets_key(&mut reader);
        let sync_queue = sync_queue(&mut reader);
        let log = log(&mut reader, LogFormat::Json, "info");
        reader.finish(secrets_key.zip(sync_queue).map(|(secrets_key, sync_queue)| Self {
            table,
            secrets_key,
            sync_queue,
            log,
        }))
    }
}

/// Of the function `full-sync`.
#[derive(Debug, Clone)]
pub struct FullSyncSettings {
    /// What it works on.
    pub engine: EngineSettings,
    /// Logs.
    pub log: LogSettings,
}

impl FullSyncSettings {
    /// Reads the role's variables.
    pub fn read(vars: &Vars) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(vars);
        let engine = engine(&mut reader, Queue::Helpful);
        let log = log(&mut reader, LogFormat::Json, "info");
        reader.finish(engine.map(|engine| Self { engine, log }))
    }
}

/// Of the function `presence-poll`.
#[derive(Debug, Clone)]
pub struct PresencePollSettings {
    /// What it works on. It sends no hints.
    pub engine: EngineSettings,
    /// Logs.
    pub log: LogSettings,
}

impl PresencePollSettings {
    /// Reads the role's variables.
    pub fn read(vars: &Vars) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(vars);
        let engine = engine(&mut reader, Queue::Unused);
        let log = log(&mut reader, LogFormat::Json, "info");
        reader.finish(engine.map(|engine| Self { engine, log }))
    }
}

/// Of the function `admin`.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    /// What it works on.
    pub engine: EngineSettings,
    /// At which origin the world reaches us.
    pub public_base_url: WebOrigin,
    /// A token with role admin, for first use.
    pub bootstrap: Option<TokenHash>,
    /// Where alerts are published, if anywhere.
    pub alert_topic: Option<TopicArn>,
    /// Logs.
    pub log: LogSettings,
}

impl AdminSettings {
    /// Reads the role's variables.
    pub fn read(vars: &Vars) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(vars);
        let engine = engine(&mut reader, Queue::Needed);
        let public_base_url = origin(&mut reader);
        let bootstrap = reader.optional("BOOTSTRAP_TOKEN_SHA256", TokenHash::parse);
        let alert_topic = reader.optional("ALERT_TOPIC_ARN", TopicArn::parse);
        let log = log(&mut reader, LogFormat::Json, "info");
        reader.finish(engine.zip(public_base_url).map(|(engine, public_base_url)| Self {
            engine,
            public_base_url,
            bootstrap,
            alert_topic,
            log,
        }))
    }
}

/// Of the function `sso-exchange`.
#[derive(Debug, Clone)]
pub struct SsoSettings {
    /// What it works on.
    pub engine: EngineSettings,
    /// At which origin the world reaches us.
    pub public_base_url: WebOrigin,
    /// Logs.
    pub log: LogSettings,
}

impl SsoSettings {
    /// Reads the role's variables.
    pub fn read(vars: &Vars) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(vars);
        let engine = engine(&mut reader, Queue::Helpful);
        let public_base_url = origin(&mut reader);
        let log = log(&mut reader, LogFormat::Json, "info");
        reader.finish(engine.zip(public_base_url).map(|(engine, public_base_url)| Self {
            engine,
            public_base_url,
            log,
        }))
    }
}

/// How the one-process host runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalMode {
    /// Against simulators of its own.
    Demo,
    /// Against the real addresses.
    Serve,
}

/// Of the one-process host.
#[derive(Debug, Clone)]
pub struct LocalSettings {
    /// The table.
    pub table: TableName,
    /// For secrets at rest; not set: a file in the data directory.
    pub secrets_key: Option<SecretsKey>,
    /// Where Microsoft answers.
    pub microsoft: GraphAddresses,
    /// Which addresses a PBX may have.
    pub policy: AddressPolicy,
    /// Where to listen.
    pub listen: SocketAddr,
    /// At which origin the world reaches us; not set: the listener's own.
    pub public_base_url: Option<WebOrigin>,
    /// A token with role admin, for first use.
    pub bootstrap: Option<TokenHash>,
    /// Where files live; not set: a temporary directory.
    pub data_dir: Option<PathBuf>,
    /// Logs.
    pub log: LogSettings,
}

impl LocalSettings {
    /// Reads the role's variables.
    pub fn read(vars: &Vars, mode: LocalMode) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(vars);
        let settings = Self::read_from(&mut reader, mode);
        reader.finish(settings)
    }

    fn read_from(reader: &mut Reader<'_>, mode: LocalMode) -> Option<Self> {
        let (policy_default, filter, data_dir_default) = match mode {
            LocalMode::Demo => (AddressPolicy::Loopback, DEMO_LOG, None),
            LocalMode::Serve => (AddressPolicy::Private, SERVE_LOG, Some(PathBuf::from("./data"))),
        };
        let microsoft = microsoft(reader);
        let data_dir = reader.optional("CONNECTOR_DATA_DIR", |text| Ok(PathBuf::from(text)));
        Some(Self {
            table: table(reader),
            secrets_key: reader.optional("SECRETS_KEY", SecretsKey::parse),
            policy: policy(reader, policy_default),
            listen: listen(reader),
            public_base_url: reader.optional("PUBLIC_BASE_URL", WebOrigin::parse),
            bootstrap: reader.optional("BOOTSTRAP_TOKEN_SHA256", TokenHash::parse),
            data_dir: data_dir.or(data_dir_default),
            log: log(reader, LogFormat::Text, filter),
            microsoft: microsoft?,
        })
    }
}

fn table(reader: &mut Reader<'_>) -> TableName {
    reader
        .optional("TABLE_NAME", TableName::parse)
        .unwrap_or_default()
}

/// Looks at every variable before it misses one, so that all problems show at once.
fn engine(reader: &mut Reader<'_>, queue: Queue) -> Option<EngineSettings> {
    let table = table(reader);
    let secrets_key = secrets_key(reader);
    let sync_queue = match queue {
        Queue::Needed => sync_queue(reader),
        Queue::Helpful => reader.optional("SYNC_QUEUE_URL", base_url),
        Queue::Unused => None,
    };
    let microsoft = microsoft(reader);
    let policy = policy(reader, AddressPolicy::Public);
    Some(EngineSettings {
        table,
        secrets_key: secrets_key?,
        sync_queue,
        microsoft: microsoft?,
        policy,
    })
}

fn secrets_key(reader: &mut Reader<'_>) -> Option<SecretsKey> {
    let key = "kms:<key id or ARN> or file:<path>";
    reader.required("SECRETS_KEY", key, SecretsKey::parse)
}

fn origin(reader: &mut Reader<'_>) -> Option<WebOrigin> {
    let what = "the https origin at which the world reaches this installation";
    reader.required("PUBLIC_BASE_URL", what, WebOrigin::parse)
}

fn sync_queue(reader: &mut Reader<'_>) -> Option<Url> {
    reader.required("SYNC_QUEUE_URL", "the URL of the sync queue", base_url)
}

fn microsoft(reader: &mut Reader<'_>) -> Option<GraphAddresses> {
    let graph = address(reader, "GRAPH_BASE_URL", GRAPH);
    let login = address(reader, "LOGIN_BASE_URL", LOGIN);
    Some(GraphAddresses {
        graph: graph?,
        login: login?,
    })
}

fn address(reader: &mut Reader<'_>, name: &'static str, default: &str) -> Option<Url> {
    let without_slash = |text: &str| base_url(text.trim_end_matches('/'));
    reader
        .optional(name, without_slash)
        .or_else(|| without_slash(default).ok())
}

fn policy(reader: &mut Reader<'_>, default: AddressPolicy) -> AddressPolicy {
    reader
        .optional("PBX_ADDRESS_POLICY", AddressPolicy::parse)
        .unwrap_or(default)
}

fn listen(reader: &mut Reader<'_>) -> SocketAddr {
    let parse = |text: &str| {
        text.parse()
            .map_err(|_| "must be an IP address and a port, for example 127.0.0.1:8080".to_owned())
    };
    reader
        .optional("CONNECTOR_LISTEN", parse)
        .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)))
}

fn log(reader: &mut Reader<'_>, format: LogFormat, filter: &str) -> LogSettings {
    LogSettings {
        format: reader.optional("LOG_FORMAT", LogFormat::parse).unwrap_or(format),
        filter: reader
            .optional("RUST_LOG", log_filter)
            .unwrap_or_else(|| filter.to_owned()),
        function: reader.optional("AWS_LAMBDA_FUNCTION_NAME", |name| Ok(name.to_owned())),
    }
}
