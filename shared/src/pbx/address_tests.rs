//! The address policy by table: every trick of the attack list, and the addresses that real installations use.

use super::*;

fn parse(text: &str, policy: AddressPolicy) -> Result<PbxAddress, AddressRefused> {
    PbxAddress::parse(text, policy)
}

const ALL: [AddressPolicy; 3] = [
    AddressPolicy::Public,
    AddressPolicy::Private,
    AddressPolicy::Loopback,
];

/// Case 55: spellings that no policy accepts.
#[test]
fn tricks_are_refused_under_every_policy() {
    // case: 55
    for text in [
        "https://0.0.0.0",
        "https://[::]",
        "https://169.254.169.254",
        "https://[fe80::1]",
        "https://[fd00:ec2::254]",
        "https://[fd20:ce::254]",
        "https://168.63.129.16",
        "https://100.100.100.200",
        "https://[::ffff:127.0.0.1]",
        "https://[::ffff:7f00:1]",
        "https://[::ffff:8.8.8.8]",
        "https://[2002:7f00:1::]",
        "https://[64:ff9b::a9fe:a9fe]",
        "https://2130706433",
        "https://0177.0.0.1",
        "https://0x7f.1",
        "https://0x7f000001",
        "https://127.1",
        "https://①②⑦.⓪.⓪.①",
        "https://１２７.0.0.1",
        "https://xn--",
        "https://xn--localhost-",
        "https://ｌocalhost",
        "https://pbx.example.com.",
        "https://127.0.0.1.",
        "https://a@pbx.example.com",
        "https://a:b@pbx.example.com",
        "https://pbx.example.com@127.0.0.1",
        "https://@pbx.example.com",
        "https://pbx.example.com:9001",
        "https://127.0.0.1:9001",
        "https://pbx.example.com:0",
        "https://pbx.example.com/openapi",
        "https://pbx.example.com?x=1",
        "https://pbx.example.com#x",
        "https://pbx.example.com\\@127.0.0.1",
        "https://pbx.exa\tmple.com",
        " https://pbx.example.com",
        "https:pbx.example.com",
        "https:///pbx.example.com",
        "ftp://pbx.example.com",
        "file:///etc/passwd",
        "gopher://pbx.example.com",
        "data:,x",
        "pbx.example.com",
        "//pbx.example.com",
        "",
        "https://",
        "http://pbx.example.com",
        "http://8.8.8.8",
        "http://10.0.0.5",
        "https://%31%32%37.0.0.1",
    ] {
        for policy in ALL {
            assert!(parse(text, policy).is_err(), "{text:?} under {policy:?}");
        }
    }
}

/// Case 55: this machine, in its plain spellings, only under the policy that names it.
#[test]
fn this_machine_is_reached_only_under_the_loopback_policy() {
    // case: 55
    for text in [
        "https://127.0.0.1",
        "https://127.8.9.10:8088",
        "https://[::1]:8088",
        "https://localhost",
        "https://pbx.localhost",
        "http://127.0.0.1:8088",
        "http://[::1]:8088",
        "http://localhost:8088",
    ] {
        assert!(parse(text, AddressPolicy::Public).is_err(), "{text}");
        assert!(parse(text, AddressPolicy::Private).is_err(), "{text}");
        assert!(parse(text, AddressPolicy::Loopback).is_ok(), "{text}");
    }
}

#[test]
fn private_ranges_need_the_private_policy() {
    for text in [
        "https://10.0.0.5:8088",
        "https://172.16.0.1",
        "https://172.31.255.255",
        "https://192.168.1.150",
        "https://100.64.0.1",
        "https://[fd12:3456::1]",
    ] {
        assert!(parse(text, AddressPolicy::Public).is_err(), "{text}");
        assert!(parse(text, AddressPolicy::Private).is_ok(), "{text}");
        assert!(parse(text, AddressPolicy::Loopback).is_ok(), "{text}");
    }
}

#[test]
fn ordinary_addresses_are_accepted_under_every_policy() {
    for text in [
        "https://office.ras.yeastar.com",
        "https://office.ras.yeastar.com/",
        "https://Office.RAS.Yeastar.com:443",
        "https://pbx.example.com:8088",
        "https://8.8.8.8:8088",
        "https://[2606:4700::1111]",
        "https://xn--bcher-kva.example",
    ] {
        for policy in ALL {
            assert!(parse(text, policy).is_ok(), "{text:?} under {policy:?}");
        }
    }
}

/// Case 55: what a harmless name resolves to is judged like an address that was typed.
#[test]
fn resolved_addresses_are_judged_by_the_same_rules() {
    // case: 55
    let address = parse("https://pbx.example.com", AddressPolicy::Public).unwrap();
    for bad in [
        "127.0.0.1",
        "::1",
        "10.0.0.1",
        "169.254.169.254",
        "::ffff:10.0.0.1",
        "fd00:ec2::254",
        "224.0.0.1",
    ] {
        assert!(address.permits(bad.parse().unwrap()).is_err(), "{bad}");
    }
    assert!(address.permits("93.184.216.34".parse().unwrap()).is_ok());

    let plain = parse("http://localhost:8088", AddressPolicy::Loopback).unwrap();
    assert!(plain.permits("127.0.0.1".parse().unwrap()).is_ok());
    assert!(plain.permits("93.184.216.34".parse().unwrap()).is_err());
}
