//! The self-signed certificate that a key set carries beside a key. It says nothing that the key does not.

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::{rand, signature};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::keys::public_key_info;

const SEQUENCE: u8 = 0x30;
const SHA256_WITH_RSA: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00,
];
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];

/// Standard base64 of the DER, as in `x5c`.
pub fn self_signed(pair: &KeyPair) -> String {
    let name = der(
        SEQUENCE,
        &der(
            0x31,
            &der(
                SEQUENCE,
                &[COMMON_NAME, &der(0x0c, b"accounts.simulator.test")].concat(),
            ),
        ),
    );
    let validity = der(
        SEQUENCE,
        &[der(0x17, b"240101000000Z"), der(0x17, b"490101000000Z")].concat(),
    );
    let version = der(0xa0, &der(0x02, &[2]));
    let serial = der(0x02, &[1]);
    let key = public_key_info(pair);
    let parts: [&[u8]; 7] = [&version, &serial, SHA256_WITH_RSA, &name, &validity, &name, &key];
    let body = der(SEQUENCE, &parts.concat());
    let mut signed = vec![0; pair.public_modulus_len()];
    pair.sign(
        &signature::RSA_PKCS1_SHA256,
        &rand::SystemRandom::new(),
        &body,
        &mut signed,
    )
    .expect("the buffer has the length of the modulus");
    let bits = der(0x03, &[&[0], signed.as_slice()].concat());
    let parts: [&[u8]; 3] = [&body, SHA256_WITH_RSA, &bits];
    STANDARD.encode(der(SEQUENCE, &parts.concat()))
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("nothing here is longer than a certificate");
    let [high, low] = length.to_be_bytes();
    let header = match length {
        0..=127 => vec![tag, low],
        128..=255 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [header.as_slice(), content].concat()
}
