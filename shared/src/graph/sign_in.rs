//! Refusals of the token endpoint. The number picks the sentence; what is not known to be lasting is asked again.

use reqwest::StatusCode;

use crate::aadsts::TokenRefusal;
use crate::ports::{DirectoryError, SignInProblem};

/// What a refused sign-in means; `None`: worth another attempt.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> Option<DirectoryError> {
    let answer = TokenRefusal::read(body);
    if answer.is_passing(status) {
        return None;
    }
    let known = answer
        .numbers
        .iter()
        .find_map(|code| Some((*code, known(*code)?)));
    Some(match known {
        Some((code, (problem, words))) => DirectoryError::SignInRefused {
            problem,
            sentence: format!("{words} (AADSTS{code})"),
        },
        None => other(status, &answer),
    })
}

fn known(code: u64) -> Option<(SignInProblem, &'static str)> {
    use SignInProblem::{ExpiredSecret, Other, UnknownApp, UnknownTenant, WrongCertificate, WrongSecret};
    Some(match code {
        7_000_215 | 70_002 => (
            WrongSecret,
            "the client secret is not one of this app's; the secret's value is needed, not its id",
        ),
        7_000_222 => (
            ExpiredSecret,
            "the client secret has expired; make another one in the app registration",
        ),
        700_016 => (
            UnknownApp,
            "the tenant does not know this application id; check both ids, then have an admin consent",
        ),
        7_000_112 | 70_001 => (
            UnknownApp,
            "the application is switched off in this tenant, or unknown to it",
        ),
        90_002 => (
            UnknownTenant,
            "there is no tenant with this id in this Microsoft cloud",
        ),
        900_023 => (UnknownTenant, "the tenant id is malformed"),
        700_027 => (
            WrongCertificate,
            "the certificate of the app was not accepted; the app registration must list it, and it must not have ended",
        ),
        65_001 => (Other, "an admin has to consent to the app's permissions"),
        500_011 => (
            Other,
            "Microsoft Graph is not known in this tenant; check the Microsoft cloud",
        ),
        53_003 => (Other, "a Conditional Access policy of the tenant blocks the app"),
        _ => return None,
    })
}

fn other(status: StatusCode, answer: &TokenRefusal) -> DirectoryError {
    let code = answer
        .number()
        .map(|code| format!(", AADSTS{code}"))
        .unwrap_or_default();
    DirectoryError::SignInRefused {
        problem: SignInProblem::Other,
        sentence: format!("status {}, {}{code}", status.as_u16(), answer.error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(status: u16, body: &str) -> Option<SignInProblem> {
        match refusal(StatusCode::from_u16(status).unwrap(), body.as_bytes())? {
            DirectoryError::SignInRefused { problem, sentence } => {
                assert!(!sentence.contains("canary"), "{sentence}");
                Some(problem)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_code_has_its_meaning() {
        let rows = [
            (401, 7_000_215, Some(SignInProblem::WrongSecret)),
            (401, 7_000_222, Some(SignInProblem::ExpiredSecret)),
            (400, 700_016, Some(SignInProblem::UnknownApp)),
            (400, 7_000_112, Some(SignInProblem::UnknownApp)),
            (400, 90_002, Some(SignInProblem::UnknownTenant)),
            (400, 900_023, Some(SignInProblem::UnknownTenant)),
            (401, 700_027, Some(SignInProblem::WrongCertificate)),
            (400, 53_003, Some(SignInProblem::Other)),
            (400, 123, Some(SignInProblem::Other)),
            (400, 50_196, None),
            (429, 90_055, None),
        ];
        for (status, code, expected) in rows {
            let body = format!(
                r#"{{"error":"invalid_client","error_codes":[{code}],"error_description":"AADSTS{code}: canary"}}"#
            );
            assert_eq!(problem(status, &body), expected, "{code}");
        }
    }

    #[test]
    fn the_code_is_found_in_the_text_when_the_list_is_missing() {
        let body = r#"{"error":"invalid_client","error_description":"AADSTS7000222: canary"}"#;
        assert_eq!(problem(401, body), Some(SignInProblem::ExpiredSecret));
    }

    #[test]
    fn other_bodies_survive() {
        for body in ["", "<html>canary</html>", r#"{"error":{"canary":1}}"#] {
            assert_eq!(problem(400, body), Some(SignInProblem::Other), "{body}");
            assert_eq!(problem(503, body), None, "{body}");
        }
    }
}
