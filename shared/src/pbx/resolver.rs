//! Looks a PBX's name up and hands the HTTP client only addresses that the policy permits. The connection goes to
//! the very address that was judged, so a name that changes its mind between two look-ups gains nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{AddressRefused, PbxAddress};

/// The resolver of one host's HTTP client.
pub struct GuardedResolver {
    address: Arc<PbxAddress>,
}

impl GuardedResolver {
    /// Hands out what may be connected to for this address.
    pub fn new(address: PbxAddress) -> Self {
        Self {
            address: Arc::new(address),
        }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let address = Arc::clone(&self.address);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            judge(&address, &found)?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// One refused address refuses the name: a name that mixes them is under attack or wrongly set up.
fn judge(address: &PbxAddress, found: &[SocketAddr]) -> Result<(), AddressRefused> {
    found.iter().try_for_each(|found| address.permits(found.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::AddressPolicy;

    /// Case 55: a harmless name that resolves to this machine is refused when the connection is made.
    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_refused_at_connect() {
        // case: 55
        let address = PbxAddress::parse("https://pbx.example.com", AddressPolicy::Private).unwrap();
        let resolver = GuardedResolver::new(address);
        let refused = resolver.resolve("localhost".parse().unwrap()).await;
        let error = refused.err().expect("this machine is refused");
        assert!(error.downcast_ref::<AddressRefused>().is_some());
    }

    /// Case 55: one bad address among good ones refuses the name.
    #[test]
    fn one_bad_address_refuses_the_name() {
        // case: 55
        let address = PbxAddress::parse("https://pbx.example.com", AddressPolicy::Public).unwrap();
        let found = ["93.184.216.34:0".parse().unwrap(), "127.0.0.1:0".parse().unwrap()];
        assert!(judge(&address, &found).is_err());
        assert!(judge(&address, &found[..1]).is_ok());
    }
}
