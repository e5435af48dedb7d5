//! A refusal of Microsoft's token endpoint as it arrives. Programs branch on `error`; the number picks the sentence.

use reqwest::StatusCode;
use serde::Deserialize;

use crate::http::harmless;

/// Throttled, looping, or a fault on their side.
const PASSING: [u64; 6] = [50_196, 90_055, 50_033, 90_006, 90_024, 90_033];

/// What was said.
pub(crate) struct TokenRefusal {
    /// The OAuth error code, brought to harmless characters; `no error code` where there was none.
    pub error: String,
    /// Microsoft's numbers.
    pub numbers: Vec<u64>,
}

#[derive(Deserialize, Default)]
struct Wire {
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    error_codes: Vec<u64>,
    #[serde(default)]
    error_description: Option<String>,
}

impl TokenRefusal {
    /// Of a body; a gateway's page instead of JSON still is a refusal.
    pub fn read(body: &[u8]) -> Self {
        let wire: Wire = serde_json::from_slice(body).unwrap_or_default();
        let numbers = wire.numbers();
        Self {
            error: wire
                .error
                .as_deref()
                .map_or_else(|| "no error code".to_owned(), harmless),
            numbers,
        }
    }

    /// The first number.
    pub fn number(&self) -> Option<u64> {
        self.numbers.first().copied()
    }

    /// Whether the same may be asked again with better luck.
    pub fn is_passing(&self, status: StatusCode) -> bool {
        status == StatusCode::TOO_MANY_REQUESTS
            || status.is_server_error()
            || matches!(self.error.as_str(), "temporarily_unavailable" | "server_error")
            || self.numbers.iter().any(|number| PASSING.contains(number))
    }
}

impl Wire {
    fn numbers(&self) -> Vec<u64> {
        if !self.error_codes.is_empty() {
            return self.error_codes.clone();
        }
        number_in(self.error_description.as_deref().unwrap_or_default())
            .into_iter()
            .collect()
    }
}

/// The number at the start of Microsoft's words.
pub fn number_in(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("AADSTS")?;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_from_the_list_or_from_the_words() {
        let listed = TokenRefusal::read(br#"{"error":"invalid_client","error_codes":[7000222,1]}"#);
        assert_eq!(
            (listed.number(), listed.error.as_str()),
            (Some(7_000_222), "invalid_client")
        );
        let told =
            TokenRefusal::read(br#"{"error":"invalid_grant","error_description":"AADSTS70008: canary"}"#);
        assert_eq!(told.number(), Some(70_008));
        let page = TokenRefusal::read(b"<html>canary</html>");
        assert_eq!((page.number(), page.error.as_str()), (None, "no error code"));
    }

    #[test]
    fn what_passes_is_known_by_status_word_or_number() {
        let bad = StatusCode::BAD_REQUEST;
        assert!(TokenRefusal::read(b"").is_passing(StatusCode::SERVICE_UNAVAILABLE));
        assert!(TokenRefusal::read(br#"{"error":"temporarily_unavailable"}"#).is_passing(bad));
        assert!(TokenRefusal::read(br#"{"error":"x","error_codes":[50196]}"#).is_passing(bad));
        assert!(!TokenRefusal::read(br#"{"error":"invalid_grant"}"#).is_passing(bad));
    }

    // case: 63
    #[test]
    fn a_code_with_more_than_a_word_in_it_is_cut() {
        let refusal = TokenRefusal::read(br#"{"error":"<b>bad\r\n"}"#);
        assert_eq!(refusal.error, "bbad");
        assert_eq!(harmless(&"x".repeat(1000)).len(), 80);
    }
}
