//! Which addresses a PBX may have, and any other host of an admin's choice. Judged twice: the text when it is saved, and
//! every resolved address when a connection is made; an address that is refused is never connected to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::settings::AddressPolicy;

/// The port of the Lambda runtime's own HTTP API; no PBX listens there.
const LAMBDA_RUNTIME_PORT: u16 = 9001;

/// Addresses inside otherwise permitted ranges that answer with a machine's credentials: Azure's and Alibaba's in
/// IPv4, Amazon's and Google's in IPv6.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(100, 100, 100, 200)];
const METADATA_V6_PREFIXES: [[u16; 2]; 2] = [[0xfd00, 0x0ec2], [0xfd20, 0x00ce]];

/// Why an address is not used, as a sentence for the admin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressRefused(String);

impl AddressRefused {
    fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AddressRefused {}

/// The origin of a PBX's Open API: scheme, host and port in their one canonical spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbxAddress {
    url: Url,
    policy: AddressPolicy,
}

impl PbxAddress {
    /// Accepts an origin such as `https://office.ras.yeastar.com`, nothing after it, spelt plainly.
    pub fn parse(text: &str, policy: AddressPolicy) -> Result<Self, AddressRefused> {
        let url = Url::parse(text).map_err(|_| {
            AddressRefused::new("not an address; expected one like https://office.ras.yeastar.com")
        })?;
        refuse_extras(&url)?;
        refuse_port(&url)?;
        let address = Self { url, policy };
        address.refuse_host()?;
        address.refuse_other_spellings(text)?;
        Ok(address)
    }

    /// Scheme, host and port.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether a connection to this resolved address may be made.
    pub fn permits(&self, ip: IpAddr) -> Result<(), AddressRefused> {
        if self.is_plain() && !ip.is_loopback() {
            return Err(AddressRefused::new(
                "plain http is only for this very machine; use https",
            ));
        }
        permit(ip, self.policy)
    }

    fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    fn refuse_host(&self) -> Result<(), AddressRefused> {
        match self.url.host() {
            Some(Host::Ipv4(ip)) => self.permits(ip.into()),
            Some(Host::Ipv6(ip)) => self.permits(ip.into()),
            Some(Host::Domain(name)) => self.refuse_name(name),
            None => Err(AddressRefused::new("the address has no host name")),
        }
    }

    fn refuse_name(&self, name: &str) -> Result<(), AddressRefused> {
        if name.ends_with('.') {
            return Err(AddressRefused::new("the host name must not end with a dot"));
        }
        let is_localhost = name == "localhost" || name.ends_with(".localhost");
        if is_localhost && self.policy != AddressPolicy::Loopback {
            return Err(AddressRefused::new("the address must not be this very machine"));
        }
        if self.is_plain() && !(is_localhost && self.policy == AddressPolicy::Loopback) {
            return Err(AddressRefused::new("only https addresses are used"));
        }
        Ok(())
    }

    /// One address has one spelling: this refuses decimal, octal, hex and full-width addresses, other ways to
    /// write an IPv6 address, embedded white space and back slashes in one go.
    fn refuse_other_spellings(&self, text: &str) -> Result<(), AddressRefused> {
        let canonical = self.url.origin().ascii_serialization();
        let written = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        let default_port = if self.is_plain() { ":80" } else { ":443" };
        let without_port = written.strip_suffix(default_port);
        if written == canonical || without_port == Some(&canonical) {
            Ok(())
        } else {
            Err(AddressRefused::new(format!("write the address as {canonical}")))
        }
    }
}

fn refuse_extras(url: &Url) -> Result<(), AddressRefused> {
    if !matches!(url.scheme(), "https" | "http") {
        return Err(AddressRefused::new("only https addresses are used"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressRefused::new(
            "the address must not hold a user name or password",
        ));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(AddressRefused::new("nothing may follow the host name and port"));
    }
    Ok(())
}

fn refuse_port(url: &Url) -> Result<(), AddressRefused> {
    match url.port() {
        Some(port @ (0 | LAMBDA_RUNTIME_PORT)) => {
            Err(AddressRefused::new(format!("port {port} is never used")))
        }
        _ => Ok(()),
    }
}

/// How near an address is; what no policy reaches is `Never`.
#[derive(PartialEq, Eq)]
enum Reach {
    Public,
    Private,
    Loopback,
    Never,
}

fn permit(ip: IpAddr, policy: AddressPolicy) -> Result<(), AddressRefused> {
    let reach = match ip {
        IpAddr::V4(ip) => reach_of_v4(ip),
        IpAddr::V6(ip) => reach_of_v6(ip),
    };
    match (reach, policy) {
        (Reach::Public, _)
        | (Reach::Private, AddressPolicy::Private | AddressPolicy::Loopback)
        | (Reach::Loopback, AddressPolicy::Loopback) => Ok(()),
        (Reach::Private, AddressPolicy::Public) => Err(AddressRefused::new(
            "private addresses are not allowed in this installation",
        )),
        (Reach::Loopback, _) => Err(AddressRefused::new("the address must not be this very machine")),
        (Reach::Never, _) => Err(AddressRefused::new("this kind of address is never used")),
    }
}

fn reach_of_v4(ip: Ipv4Addr) -> Reach {
    if METADATA_V4.contains(&ip) {
        return Reach::Never;
    }
    match ip.octets() {
        [127, ..] => Reach::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Reach::Private,
        // "This network", link-local with the metadata services, protocol assignments, examples, the 6to4 relay,
        // benchmarks, multicast and the reserved rest with broadcast.
        [0 | 224..=255, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Reach::Never,
        _ => Reach::Public,
    }
}

fn reach_of_v6(ip: Ipv6Addr) -> Reach {
    let segments = ip.segments();
    let start = [segments[0], segments[1]];
    if ip.is_loopback() {
        return Reach::Loopback;
    }
    if METADATA_V6_PREFIXES.contains(&start) {
        return Reach::Never;
    }
    if let Some(inside) = translated(ip) {
        return reach_of_v4(inside);
    }
    match start {
        [0xfc00..=0xfdff, _] => Reach::Private,
        // Teredo and its neighbours, examples, and 6to4, which hides an IPv4 address.
        [0x2001, 0..=0x01ff | 0x0db8] | [0x2002, _] | [0x3fff, 0..=0x0fff] => Reach::Never,
        [0x2000..=0x3fff, _] => Reach::Public,
        // Unspecified, IPv4-mapped, link-local, multicast and what nobody was given.
        _ => Reach::Never,
    }
}

/// The IPv4 address that a NAT64 network makes of this one; that one is where the connection would end.
fn translated(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.octets() {
        [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, last @ ..] => Some(Ipv4Addr::from(last)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
