//! Pairs that fit are taken, all others refused with what is wrong; what is made here passes the same judgement.

use rcgen::PKCS_ECDSA_P256_SHA256;

use super::*;

const BROUGHT_KEY: &str = include_str!("../tests/app_certificates/pkcs1.key");
const BROUGHT: &str = include_str!("../tests/app_certificates/pkcs1.pem");
const LOCKED_KEY: &str = include_str!("../tests/app_certificates/locked.key");
const WEAK_KEY: &str = include_str!("../tests/app_certificates/weak.key");
const WEAK: &str = include_str!("../tests/app_certificates/weak.pem");

fn now() -> Timestamp {
    "2027-03-01T10:15:00Z".parse().unwrap()
}

fn judge(key: &str, certificate: &str) -> Result<AppCertificate, CertificateProblem> {
    checked(&key.into(), certificate, now())
}

#[test]
fn what_is_made_here_is_as_good_as_what_is_brought() {
    let made = generate("Connector of Contoso", now(), 30).unwrap();
    let key = made.private_key_pem.expose_secret();
    let again = judge(key, &made.certificate_pem).unwrap();
    assert_eq!(again.certificate_pem, made.certificate_pem);
    assert_eq!(again.private_key_pem.expose_secret(), key);
    let said = facts(&made.certificate_pem).unwrap();
    assert_eq!(said.subject, "CN=Connector of Contoso");
    assert_eq!(said.begins_at.to_string(), "2027-02-28T00:00:00Z");
    assert_eq!(said.ends_at.to_string(), "2027-03-31T00:00:00Z");
    assert!(!format!("{made:?}").contains(&key[40..80]));
}

#[test]
fn two_pairs_are_two() {
    let [one, other] = [generate("x", now(), 1).unwrap(), generate("x", now(), 1).unwrap()];
    let key = one.private_key_pem.expose_secret();
    let problem = judge(key, &other.certificate_pem).unwrap_err();
    assert_eq!(problem, CertificateProblem::NotItsKey);
    assert!(problem.is_of_the_key());
}

#[test]
fn an_older_form_of_key_and_text_around_the_certificate_are_taken() {
    let file = format!("Bag Attributes\n  friendlyName: x\n{BROUGHT}{WEAK}");
    let taken = judge(BROUGHT_KEY, &file).unwrap();
    assert!(
        taken
            .private_key_pem
            .expose_secret()
            .starts_with("-----BEGIN PRIVATE KEY-----\n")
    );
    assert_eq!(taken.certificate_pem, BROUGHT);
    let said = facts(&file).unwrap();
    // As openssl tells it.
    assert_eq!(said.thumbprint, "E4BF4BCF1643F60FEAF53673F7A71DD7551F68BC");
    assert_eq!(
        said.thumbprint_sha256,
        "0161979C8894CE6B4863449F849FACE761C2272E52B14889C527DD1AFC9CCE94"
    );
    assert_eq!(said.ends_at.to_string(), "2081-08-29T03:02:50Z");
}

#[test]
fn each_mistake_has_its_own_sentence() {
    use CertificateProblem::{Certificate, Ended, Key, Kind, Locked, NotBegun, NotItsKey};
    let curve = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let curved = CertificateParams::default().self_signed(&curve).unwrap();
    let curved = pem("CERTIFICATE", curved.der());
    let old = generate("x", "2020-01-01T00:00:00Z".parse().unwrap(), 30).unwrap();
    let early = generate("x", "2030-01-01T00:00:00Z".parse().unwrap(), 30).unwrap();
    let cut = &BROUGHT[..BROUGHT.len() / 2];
    let curve_key = pem("PRIVATE KEY", &curve.serialize_der());
    let rows = [
        (BROUGHT_KEY, "", Certificate),
        (BROUGHT_KEY, cut, Certificate),
        (BROUGHT_KEY, BROUGHT_KEY, Certificate),
        (
            BROUGHT_KEY,
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            Certificate,
        ),
        (BROUGHT_KEY, old.certificate_pem.as_str(), Ended),
        (BROUGHT_KEY, early.certificate_pem.as_str(), NotBegun),
        (curve_key.as_str(), curved.as_str(), Kind),
        (WEAK_KEY, WEAK, Kind),
        (WEAK_KEY, BROUGHT, Key),
        (LOCKED_KEY, BROUGHT, Locked),
        (curve_key.as_str(), BROUGHT, Key),
        ("canary", BROUGHT, Key),
        (BROUGHT, BROUGHT, Key),
        (old.private_key_pem.expose_secret(), BROUGHT, NotItsKey),
    ];
    for (key, certificate, wanted) in rows {
        let problem = judge(key, certificate).unwrap_err();
        assert_eq!(problem, wanted, "{certificate}");
        assert!(!format!("{problem} {problem:?}").contains("canary"));
    }
}
