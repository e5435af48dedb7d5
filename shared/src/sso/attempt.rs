//! One sign-in under way. State, nonce and PKCE verifier are proofs of one browser's secret: what the table keeps opens
//! nothing, and a code that is carried to another browser is worth nothing there.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// Bytes of a random value: 256 bits, 43 characters.
const LENGTH: usize = 32;

/// What one browser holds in a cookie while it signs in. Prints nothing of itself.
#[derive(Debug, Clone)]
pub struct BrowserSecret(SecretString);

/// A sign-in that one browser has begun.
#[derive(Debug, Clone)]
pub struct Attempt {
    state: SecretString,
    browser: BrowserSecret,
}

impl BrowserSecret {
    /// One that nobody can foretell.
    pub fn generate() -> Self {
        Self(random_word().into())
    }

    /// Of a cookie's text; `None` for what was not made here.
    pub fn parse(text: &str) -> Option<Self> {
        is_random_text(text).then(|| Self(text.into()))
    }

    /// For the cookie.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// For the table: recognises the secret and does not open anything.
    pub fn hash(&self) -> String {
        word_hash(self.expose())
    }
}

impl Attempt {
    /// A fresh one of this browser.
    pub fn begin(browser: BrowserSecret) -> Self {
        Self {
            state: random_word().into(),
            browser,
        }
    }

    /// The one that came back with this state to this browser; `None` for a text that is no state of ours.
    pub fn resume(browser: BrowserSecret, state: &str) -> Option<Self> {
        is_random_text(state).then(|| Self {
            state: state.into(),
            browser,
        })
    }

    /// The parameter `state`.
    pub fn state(&self) -> &str {
        self.state.expose_secret()
    }

    /// For the table: finds the attempt by its state.
    pub fn state_hash(&self) -> String {
        word_hash(self.state())
    }

    /// For the table: to which browser the attempt belongs.
    pub fn browser_hash(&self) -> String {
        self.browser.hash()
    }

    /// The parameter `nonce`, which must come back in the id_token.
    pub fn nonce(&self) -> String {
        self.proof("nonce")
    }

    /// The PKCE verifier: stays here until the code is exchanged.
    pub fn verifier(&self) -> SecretString {
        self.proof("pkce verifier").into()
    }

    /// The PKCE challenge (S256) of the verifier.
    pub fn challenge(&self) -> String {
        challenge_of(self.verifier().expose_secret())
    }

    /// Only who has the browser's secret can make it, and each attempt has its own.
    fn proof(&self, purpose: &str) -> String {
        let key = self.browser.expose().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(self.state().as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

/// The S256 challenge of a verifier (RFC 7636).
pub fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// A word of 256 random bits, 43 characters.
pub fn random_word() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; LENGTH]>())
}

fn is_random_text(text: &str) -> bool {
    text.len() == 43
        && URL_SAFE_NO_PAD
            .decode(text)
            .is_ok_and(|bytes| bytes.len() == LENGTH)
}

/// Under which name the table has a word: it recognises the word and opens nothing.
pub fn word_hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standards_own_example() {
        let challenge = challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn what_comes_back_to_the_same_browser_proves_the_same() {
        let attempt = Attempt::begin(BrowserSecret::generate());
        let browser = BrowserSecret::parse(attempt.browser.expose()).unwrap();
        let resumed = Attempt::resume(browser, attempt.state()).unwrap();
        assert_eq!(resumed.nonce(), attempt.nonce());
        assert_eq!(resumed.challenge(), attempt.challenge());
        assert_eq!(resumed.state_hash(), attempt.state_hash());
        // RFC 7636: 43 to 128 characters.
        assert_eq!(attempt.verifier().expose_secret().len(), 43);
    }

    // case: 32, 34
    #[test]
    fn another_browser_or_another_attempt_proves_something_else() {
        let attempt = Attempt::begin(BrowserSecret::generate());
        let elsewhere = Attempt::resume(BrowserSecret::generate(), attempt.state()).unwrap();
        let next = Attempt::begin(attempt.browser.clone());
        for other in [&elsewhere, &next] {
            assert_ne!(other.nonce(), attempt.nonce());
            assert_ne!(other.challenge(), attempt.challenge());
        }
        assert_ne!(elsewhere.browser_hash(), attempt.browser_hash());
        assert_ne!(next.state_hash(), attempt.state_hash());
        assert_ne!(attempt.nonce(), attempt.verifier().expose_secret());
    }

    // case: 41, 63
    #[test]
    fn only_texts_made_here_are_read_and_none_is_printed() {
        let secret = BrowserSecret::generate();
        let text = secret.expose().to_owned();
        for bad in [
            "",
            "a",
            &text[1..],
            &format!("{text}A"),
            &"!".repeat(43),
            &"é".repeat(21),
        ] {
            assert!(BrowserSecret::parse(bad).is_none(), "{bad}");
            assert!(Attempt::resume(secret.clone(), bad).is_none(), "{bad}");
        }
        let printed = format!("{secret:?} {:?}", Attempt::begin(secret.clone()));
        assert!(!printed.contains(&text), "{printed}");
    }
}
