//! The secret word of a subscription. It names whom it was made for and carries the proof of that itself, so that a forged
//! one is told from a real one without asking anybody.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::ids::ConnectionId;
use super::subscription::{Nonce, SubscriptionKind};

/// Keeps these proofs apart from any other use of the key.
const PURPOSE: &[u8] = b"graph client state v1";
const VERSION: u8 = 1;
const NAMED: usize = 1 + 16 + 1 + 16;
const WHOLE: usize = NAMED + 32;

/// Makes and checks secret words. Prints nothing of itself.
#[derive(Clone)]
pub struct ClientStateKey([u8; 32]);

/// Whom a subscription was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchedBy {
    /// The connection.
    pub connection: ConnectionId,
    /// Of which objects.
    pub kind: SubscriptionKind,
    /// Which of its subscriptions for them.
    pub nonce: Nonce,
}

impl fmt::Debug for ClientStateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientStateKey([redacted])")
    }
}

impl ClientStateKey {
    /// Of stored bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// One that nobody can foretell.
    pub fn generate() -> Self {
        Self(rand::random())
    }

    /// For sealing.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The secret word, 88 characters.
    pub fn derive(&self, of: &WatchedBy) -> String {
        let named = named(of);
        let mut whole = named.to_vec();
        whole.extend_from_slice(&self.mac(&named).finalize().into_bytes());
        URL_SAFE_NO_PAD.encode(whole)
    }

    /// Whom a word was made for; `None` for any that this key did not make. How long it takes tells nothing about how
    /// much of a forged one is right.
    pub fn verify(&self, text: &str) -> Option<WatchedBy> {
        // A real one has this length; nothing longer needs to be looked at.
        if text.len() != WHOLE.div_ceil(3) * 4 {
            return None;
        }
        let whole: [u8; WHOLE] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (named, proof) = whole.split_at(NAMED);
        self.mac(named).verify_slice(proof).ok()?;
        read(named)
    }

    fn mac(&self, named: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(PURPOSE);
        mac.update(named);
        mac
    }
}

fn named(of: &WatchedBy) -> [u8; NAMED] {
    let mut named = [0; NAMED];
    let kind = match of.kind {
        SubscriptionKind::Users => 1,
        SubscriptionKind::Groups => 2,
    };
    let connection = of.connection.as_uuid();
    let parts: [&[u8]; 4] = [&[VERSION], connection.as_bytes(), &[kind], of.nonce.as_bytes()];
    for (place, byte) in named.iter_mut().zip(parts.concat()) {
        *place = byte;
    }
    named
}

fn read(named: &[u8]) -> Option<WatchedBy> {
    let (version, rest) = named.split_first()?;
    let (connection, rest) = rest.split_first_chunk::<16>()?;
    let (kind, rest) = rest.split_first()?;
    let nonce: [u8; 16] = rest.try_into().ok()?;
    let kind = match kind {
        1 => SubscriptionKind::Users,
        2 => SubscriptionKind::Groups,
        _ => return None,
    };
    (*version == VERSION).then(|| WatchedBy {
        connection: uuid::Uuid::from_bytes(*connection).into(),
        kind,
        nonce: Nonce::from_bytes(nonce),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody() -> WatchedBy {
        WatchedBy {
            connection: uuid::Uuid::from_u128(7).into(),
            kind: SubscriptionKind::Groups,
            nonce: Nonce::from_bytes([9; 16]),
        }
    }

    #[test]
    fn a_word_names_whom_it_was_made_for_and_fits_into_what_graph_takes() {
        let key = ClientStateKey::from_bytes([1; 32]);
        let word = key.derive(&somebody());
        assert_eq!(key.verify(&word), Some(somebody()));
        assert!(word.len() <= 128);
    }

    // case: 5
    #[test]
    fn a_word_with_any_one_character_changed_is_refused() {
        let key = ClientStateKey::from_bytes([1; 32]);
        let word = key.derive(&somebody());
        for place in 0..word.len() {
            let mut forged: Vec<u8> = word.bytes().collect();
            if let Some(byte) = forged.get_mut(place) {
                *byte = if *byte == b'A' { b'B' } else { b'A' };
            }
            assert_eq!(key.verify(&String::from_utf8(forged).unwrap()), None, "{place}");
        }
        assert_eq!(ClientStateKey::generate().verify(&word), None);
        for text in ["", "A", &word[1..], &format!("{word}A"), &"é".repeat(44)] {
            assert_eq!(key.verify(text), None);
        }
    }
}
