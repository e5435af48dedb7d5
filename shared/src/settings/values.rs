//! The values that variables hold, each with its one parsing rule. Plain http never leaves the machine.

use std::fmt;
use std::path::PathBuf;

use tracing_subscriber::filter::Targets;
use url::{Host, Url};

/// Name of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName(String);

impl TableName {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        if (3..=255).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err("is no table name; use 3 to 255 letters, digits, `_`, `-` or `.`".to_owned())
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TableName {
    fn default() -> Self {
        Self("connector".to_owned())
    }
}

/// With what secrets are encrypted at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretsKey {
    /// A key of AWS KMS, by id or ARN.
    Kms(String),
    /// A file of 32 random bytes.
    File(PathBuf),
}

impl SecretsKey {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("kms", key)) if !key.is_empty() => Ok(Self::Kms(key.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            _ => Err("must be kms:<key id or ARN> or file:<path>".to_owned()),
        }
    }
}

/// A topic of SNS, by its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicArn(String);

impl TopicArn {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            ["arn", _, "sns", region, account, name]
                if !region.is_empty() && !account.is_empty() && !name.is_empty() =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err("must be the ARN of an SNS topic, arn:aws:sns:<region>:<account>:<name>".to_owned()),
        }
    }

    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An origin (`https://host[:port]`): https, or http on this machine. Holds no path and no trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin(String);

impl WebOrigin {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let url = base_url(text)?;
        if url.path() != "/" {
            return Err(
                "has a path; give the origin alone, for example https://connector.example.com".to_owned(),
            );
        }
        Ok(Self(url.origin().ascii_serialization()))
    }

    /// The origin at which a listener on this machine answers.
    pub fn of_listener(address: std::net::SocketAddr) -> Self {
        let loopback = if address.is_ipv6() { "[::1]" } else { "127.0.0.1" };
        let port = address.port();
        if address.ip().is_loopback() {
            Self(format!("http://{address}"))
        } else {
            Self(format!("http://{loopback}:{port}"))
        }
    }

    /// Whether the world may reach it safely.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where Microsoft answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphAddresses {
    /// Microsoft Graph with its version, without a trailing slash.
    pub graph: Url,
    /// Microsoft sign-in.
    pub login: Url,
}

/// An https address, or an http one of this machine, without parts that a base cannot have.
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    let url =
        Url::parse(text).map_err(|_| "is no address; it must look like https://host/path".to_owned())?;
    let plain_allowed = url.scheme() == "http" && is_loopback(&url);
    if url.scheme() != "https" && !plain_allowed {
        return Err("must begin with https:// (http:// is for this machine's own addresses only)".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not hold `?` or `#`".to_owned());
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // RFC 6761: never leaves the machine.
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// SHA-256 of an API token, 64 hex digits in lower case.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenHash(String);

impl TokenHash {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err("must be the SHA-256 of a token, 64 hex digits (never the token)".to_owned())
        }
    }

    /// The digits.
    pub fn as_hex(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// Which addresses a PBX may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Public addresses over https.
    Public,
    /// Private ranges too.
    Private,
    /// This machine too, there also over plain http.
    Loopback,
}

impl AddressPolicy {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "public" => Ok(Self::Public),
            "private" => Ok(Self::Private),
            "loopback" => Ok(Self::Loopback),
            _ => Err("must be public, private or loopback".to_owned()),
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl LogFormat {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("must be json or text".to_owned()),
        }
    }
}

/// How and what is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// How lines look.
    pub format: LogFormat,
    /// Which lines are printed; parses as `Targets`.
    pub filter: String,
    /// The name under which Lambda runs this program; its lines tell CloudWatch of their metrics.
    pub function: Option<String>,
}

/// Judges a filter: levels, each alone or for a target and what is below it. Nothing is matched by patterns or by values of
/// fields: the engine for that would be in every function.
pub(super) fn log_filter(text: &str) -> Result<String, String> {
    text.parse::<Targets>()
        .map(|_| text.to_owned())
        .map_err(|_| "is no log filter; it must look like info or info,shared=debug".to_owned())
}
