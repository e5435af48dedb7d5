//! Who is told of a connection's alerts, on which channels and in which language. Whether an address may be used is judged by
//! whoever connects to it; here is what can be said of the text alone.

use serde::{Deserialize, Serialize};

use super::mapping::{MAX_EMAIL, is_address};
use super::settings_check::FieldProblem;

/// Most addresses that mail goes to: each costs the PBX a call.
pub const MAX_ADDRESSES: usize = 5;
/// Most failures that are waited for.
const MAX_FAILURES: u32 = 100;

/// Who is told, how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlertSettings {
    /// In which language.
    pub language: AlertLanguage,
    /// So many runs in a row have to fail before somebody is told, 1 to 100. What needs a person is told at once.
    pub failed_runs: u32,
    /// An address that alerts are posted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<AlertWebhook>,
    /// Mail, sent by the PBX.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<AlertEmail>,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            language: AlertLanguage::English,
            failed_runs: 2,
            webhook: None,
            email: None,
        }
    }
}

/// A language that alerts are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum AlertLanguage {
    /// English.
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    Chinese,
}

/// An address that alerts are posted to. Whoever knows it may often post there, too, so its path is not printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertWebhook {
    /// `https://`, with a path and a query if need be.
    #[schema(max_length = 2000)]
    pub url: String,
}

impl AlertWebhook {
    /// Where it is, without what lets somebody in.
    pub fn origin(&self) -> String {
        let origin = url::Url::parse(&self.url).map(|url| url.origin().ascii_serialization());
        origin.map_or_else(|_| "…".to_owned(), |origin| format!("{origin}/…"))
    }
}

impl std::fmt::Debug for AlertWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AlertWebhook({})", self.origin())
    }
}

/// Mail, sent by the PBX.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertEmail {
    /// One to five addresses.
    #[schema(min_items = 1, max_items = 5)]
    pub to: Vec<String>,
}

impl AlertSettings {
    /// Everything that is wrong with the text; empty for good ones.
    pub fn problems(&self) -> Vec<FieldProblem> {
        let mut problems = Vec::new();
        if !(1..=MAX_FAILURES).contains(&self.failed_runs) {
            let detail = format!("must be a number from 1 to {MAX_FAILURES}");
            problems.push(FieldProblem::new("/failed_runs", detail));
        }
        if let Some(email) = &self.email {
            problems.extend(of_addresses(&email.to));
        }
        problems
    }
}

fn of_addresses(to: &[String]) -> Vec<FieldProblem> {
    if to.is_empty() || to.len() > MAX_ADDRESSES {
        let detail = format!("must name 1 to {MAX_ADDRESSES} addresses");
        return vec![FieldProblem::new("/email/to", detail)];
    }
    let wrong = to.iter().enumerate().filter(|(_, address)| {
        let fits = address.chars().count() <= MAX_EMAIL && is_address(address);
        !fits
    });
    let told = |(index, _)| {
        FieldProblem::new(
            format!("/email/to/{index}"),
            "must be a mail address that the PBX takes: x@y.z of letters, digits and _ - . '",
        )
    };
    wrong.map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_webhook_is_not_printed() {
        let webhook = |url: &str| AlertWebhook { url: url.to_owned() };
        let known = webhook("https://alerts.example.com:8443/hook/canary?key=canary");
        assert_eq!(
            format!("{known:?}"),
            "AlertWebhook(https://alerts.example.com:8443/…)"
        );
        assert_eq!(format!("{:?}", webhook("canary")), "AlertWebhook(…)");
    }

    #[test]
    fn addresses_and_numbers_are_judged_each_by_its_pointer() {
        let to = ["it@contoso.example", "a+b@contoso.example", "nobody"].map(str::to_owned);
        let settings = AlertSettings {
            failed_runs: 0,
            email: Some(AlertEmail { to: to.to_vec() }),
            ..AlertSettings::default()
        };
        let pointers: Vec<String> = settings.problems().into_iter().map(|p| p.pointer).collect();
        assert_eq!(pointers, ["/failed_runs", "/email/to/1", "/email/to/2"]);
        for count in [0, 6] {
            let to = vec!["it@contoso.example".to_owned(); count];
            assert_eq!(of_addresses(&to).len(), 1, "{count}");
        }
        assert!(AlertSettings::default().problems().is_empty());
    }
}
