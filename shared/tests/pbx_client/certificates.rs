//! Which certificates a PBX may show.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use shared::pbx::PbxConfig;
use shared::ports::{PhoneSystem as _, PhoneSystemError as E, ShutProblem};

use crate::support::{World, config_for};

const AUTHORITY: &str = include_str!("tls/ca.pem");
const OTHER_AUTHORITY: &str = include_str!("tls/other.pem");
const GOOD: &str = include_str!("tls/good.pem");
const WRONG_NAME: &str = include_str!("tls/wrong_name.pem");
const EXPIRED: &str = include_str!("tls/expired.pem");
/// As `openssl req -x509` makes it: it calls itself an authority.
const SELF_SIGNED: &str = include_str!("tls/self_signed.pem");
const SELF_SIGNED_NO_CA: &str = include_str!("tls/self_signed_no_ca.pem");
/// Of the same name and another key, which our server does not have.
const SELF_SIGNED_OTHER: &str = include_str!("tls/self_signed_other.pem");
const SELF_SIGNED_EXPIRED: &str = include_str!("tls/self_signed_expired.pem");
const SELF_SIGNED_WRONG_NAME: &str = include_str!("tls/self_signed_wrong_name.pem");

/// Answers a sign-in and a look at the capacity alike.
const ANSWER: &str = concat!(
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n",
    r#"{"errcode":0,"errmsg":"SUCCESS","access_token":"a","refresh_token":"r","#,
    r#""data":{"extension_capacity":5,"extension_used":1}}"#
);

/// Serves TLS with this certificate and our one key on a thread of its own until the test ends. Nobody asks whether the two
/// belong together.
fn serve(certificate: &str) -> String {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = provider.key_provider.load_private_key(key).unwrap();
    let shown = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            // A client that does not trust us hangs up here.
            if stream.read(&mut [0; 4096]).is_ok() && stream.write_all(ANSWER.as_bytes()).is_ok() {
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    base_url
}

async fn ask(certificate: &str, authority: Option<&str>) -> Result<u64, E> {
    let world = World::new().await;
    let config = PbxConfig {
        ca_pem: authority.map(str::to_owned),
        ..config_for(&serve(certificate), "secret")
    };
    let capacity = world.client_with(config).capacity().await?;
    Ok(capacity.extensions)
}

/// Case 58: a private authority vouches for its PBX.
#[tokio::test]
async fn a_certificate_of_the_given_authority_is_accepted() {
    // case: 58
    assert_eq!(ask(GOOD, Some(AUTHORITY)).await.unwrap(), 5);
}

/// Case 58: a PBX that vouches for itself is known by its very certificate.
#[tokio::test]
async fn a_self_signed_certificate_that_was_given_is_accepted() {
    // case: 58
    for (name, certificate) in [
        ("calls itself an authority", SELF_SIGNED),
        ("calls itself none", SELF_SIGNED_NO_CA),
    ] {
        assert_eq!(ask(certificate, Some(certificate)).await.unwrap(), 5, "{name}");
        let among_others = format!("{AUTHORITY}{certificate}");
        assert_eq!(ask(certificate, Some(&among_others)).await.unwrap(), 5, "{name}");
    }
}

/// Case 58: unknown, foreign, expired and misnamed certificates end with one sentence and no second try.
#[tokio::test]
async fn any_other_certificate_is_refused_with_a_sentence() {
    // case: 58
    for (name, certificate, authority) in [
        ("unknown authority", GOOD, None),
        ("another authority", GOOD, Some(OTHER_AUTHORITY)),
        ("expired", EXPIRED, Some(AUTHORITY)),
        ("another name", WRONG_NAME, Some(AUTHORITY)),
        ("self-signed, not given", SELF_SIGNED, None),
        ("self-signed, an authority given", SELF_SIGNED, Some(AUTHORITY)),
        (
            "self-signed, one of the same name given",
            SELF_SIGNED,
            Some(SELF_SIGNED_OTHER),
        ),
        (
            "self-signed, one of the same name given",
            SELF_SIGNED_NO_CA,
            Some(SELF_SIGNED_OTHER),
        ),
        (
            "self-signed, of the same name and key",
            SELF_SIGNED,
            Some(SELF_SIGNED_NO_CA),
        ),
        (
            "self-signed, given, shown without its key",
            SELF_SIGNED_OTHER,
            Some(SELF_SIGNED_OTHER),
        ),
        (
            "self-signed, expired",
            SELF_SIGNED_EXPIRED,
            Some(SELF_SIGNED_EXPIRED),
        ),
        (
            "self-signed, another name",
            SELF_SIGNED_WRONG_NAME,
            Some(SELF_SIGNED_WRONG_NAME),
        ),
    ] {
        let refused = ask(certificate, authority).await.unwrap_err();
        let is_distrust = matches!(
            &refused,
            E::Shut {
                problem: ShutProblem::NotTrusted,
                ..
            }
        );
        assert!(
            is_distrust && refused.to_string().contains("certificate"),
            "{name}: {refused:?}"
        );
    }
}
