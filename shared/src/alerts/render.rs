//! A message as people and programs read it: a subject, a text, a JSON document. No name of a person, no secret: the name of
//! the connection, ids, numbers and what the console shows anyway.

use jiff::Timestamp;
use serde::Serialize;

use super::words::{Words, minute, sentence};
use crate::domain::alert::{Alert, AlertChange, AlertMessage, News};
use crate::domain::alert_settings::AlertLanguage;
use crate::domain::connection::Connection;
use crate::domain::ids::{AlertId, ConnectionId};

/// A topic of SNS wants less than 100 characters of a subject.
const LONGEST_SUBJECT: usize = 99;

/// A message, ready to go out on any channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rendered {
    pub subject: String,
    pub text: String,
    pub json: String,
}

/// What is posted to a webhook and published on the topic.
#[derive(Serialize)]
struct Document<'a> {
    id: AlertId,
    /// `alert` or `test`.
    r#type: &'static str,
    at: Timestamp,
    connection: Named<'a>,
    alerts: Vec<Item<'a>>,
    language: AlertLanguage,
    subject: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct Named<'a> {
    id: ConnectionId,
    name: &'a str,
}

#[derive(Serialize)]
struct Item<'a> {
    id: AlertId,
    change: AlertChange,
    since: Timestamp,
    #[serde(flatten)]
    alert: &'a Alert,
    sentence: String,
}

/// A message about a connection.
pub(super) fn message(
    message: &AlertMessage,
    connection: &Connection,
    language: AlertLanguage,
) -> Result<Rendered, serde_json::Error> {
    let words = Words::of(language);
    let about = match message.news.as_slice() {
        [one] => sentence(&one.alert, one.change, language),
        many => Words::several(language, many.len()),
    };
    let lines = message.news.iter().map(|news| line(news, language));
    let text = text(&lines.collect::<Vec<_>>(), message.id, connection, words);
    let subject = subject(&about, connection, words);
    let items = message.news.iter().map(|news| Item {
        id: news.id,
        change: news.change,
        since: news.since,
        alert: &news.alert,
        sentence: sentence(&news.alert, news.change, language),
    });
    let document = Document {
        id: message.id,
        r#type: "alert",
        at: message.at,
        connection: named(connection),
        alerts: items.collect(),
        language,
        subject: &subject,
        text: &text,
    };
    let json = serde_json::to_string(&document)?;
    Ok(Rendered { subject, text, json })
}

/// A message that tells of nothing but itself.
pub(super) fn test(
    id: AlertId,
    connection: &Connection,
    language: AlertLanguage,
    at: Timestamp,
) -> Result<Rendered, serde_json::Error> {
    let words = Words::of(language);
    let text = text(&[words.test.to_owned()], id, connection, words);
    let subject = subject(words.test, connection, words);
    let document = Document {
        id,
        r#type: "test",
        at,
        connection: named(connection),
        alerts: Vec::new(),
        language,
        subject: &subject,
        text: &text,
    };
    let json = serde_json::to_string(&document)?;
    Ok(Rendered { subject, text, json })
}

fn named(connection: &Connection) -> Named<'_> {
    Named {
        id: connection.id,
        name: &connection.name,
    }
}

fn line(news: &News, language: AlertLanguage) -> String {
    let words = Words::of(language);
    let said = sentence(&news.alert, news.change, language);
    let since = format!("{} {}", words.since, minute(news.since));
    match news.change {
        AlertChange::Raised | AlertChange::Cleared => format!("- {said} ({since})"),
        AlertChange::Reminder => format!("- {said} ({since}, {})", words.reminder),
    }
}

fn text(lines: &[String], id: AlertId, connection: &Connection, words: &Words) -> String {
    let head = format!("{}: {} ({})", words.connection, connection.name, connection.id);
    let foot = format!("{} {id}", words.id);
    format!("{head}\n\n{}\n\n{foot}\n", lines.join("\n"))
}

/// One line: a name with a line break in it must not make another header of it.
fn subject(about: &str, connection: &Connection, words: &Words) -> String {
    let whole = format!("[{}] {}: {about}", words.product, connection.name);
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = whole.chars().map(visible).take(LONGEST_SUBJECT - 1).collect();
    if whole.chars().nth(LONGEST_SUBJECT - 1).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::words::tests::every_alert;
    use super::*;
    use crate::domain::connection::{Capabilities, ConnectionStatus, PbxSide};

    fn connection() -> Connection {
        let id = uuid::Uuid::from_u128(1);
        Connection {
            id: id.into(),
            name: "Contoso\r\nBcc: everybody".to_owned(),
            status: ConnectionStatus::Connected,
            tenant: id.into(),
            client: id.into(),
            pbx: PbxSide {
                base_url: "https://pbx.example.com".to_owned(),
                firmware_version: "83.18.0.102".to_owned(),
                serial_number: "1".to_owned(),
                capabilities: Capabilities::default(),
                ca_pem: None,
                tested_at: None,
            },
            teardown: None,
            authorised_account: None,
            secret_expires_at: None,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn of(alerts: Vec<Alert>) -> AlertMessage {
        let at = "2026-03-02T09:00:00Z".parse().unwrap();
        let news = alerts.into_iter().map(|alert| News {
            id: uuid::Uuid::from_u128(2).into(),
            change: AlertChange::Raised,
            since: at,
            alert,
        });
        AlertMessage {
            id: uuid::Uuid::from_u128(1).into(),
            at,
            news: news.collect(),
            waiting: BTreeMap::new(),
        }
    }

    #[test]
    fn one_message_has_everything_in_it_and_a_subject_of_one_line() {
        for language in [AlertLanguage::English, AlertLanguage::Chinese] {
            let shown = message(&of(every_alert()), &connection(), language).unwrap();
            assert!(!shown.subject.contains(['\r', '\n']), "{}", shown.subject);
            assert!(shown.subject.contains(&every_alert().len().to_string()));
            assert_eq!(
                shown.text.lines().filter(|line| line.starts_with("- ")).count(),
                8
            );
            let json: serde_json::Value = serde_json::from_str(&shown.json).unwrap();
            assert_eq!(json["alerts"].as_array().unwrap().len(), 8);
            assert_eq!(json["alerts"][0]["kind"], "sync_failing");
            assert_eq!(json["alerts"][0]["failures"], 3);
            assert_eq!(json["text"], shown.text.as_str());
        }
    }

    #[test]
    fn a_subject_fits_a_topic() {
        let mut connection = connection();
        connection.name = "长".repeat(200);
        let shown = message(&of(every_alert()), &connection, AlertLanguage::Chinese).unwrap();
        assert_eq!(shown.subject.chars().count(), LONGEST_SUBJECT);
    }

    #[test]
    fn one_alert_is_its_own_subject() {
        let one = of(vec![Alert::PlanHeld {
            run: uuid::Uuid::from_u128(1).into(),
            removals: 12,
        }]);
        let mut connection = connection();
        connection.name = "Contoso".to_owned();
        let shown = message(&one, &connection, AlertLanguage::English).unwrap();
        insta::assert_snapshot!(shown.subject, @"[Entra to Yeastar] Contoso: removals wait for somebody to approve or reject them: 12");
    }
}
