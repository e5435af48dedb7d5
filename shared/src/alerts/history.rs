//! News as lines of the connection's history, in English as all records; the console says them in the visitor's language.

use jiff::Timestamp;

use super::words::minute;
use crate::domain::alert::{Alert, AlertChange, AlertChannel, AlertKind, AlertMessage, News};
use crate::domain::connection::Connection;
use crate::domain::ids::AlertId;
use crate::domain::operation_record::{ObjectKind, OperationKind, OperationRecord, OutcomeKind, Reason};
use crate::plan::words::sentence;

/// What began or ended, a line each. Reminders tell nothing that history does not have.
pub(super) fn lines(message: &AlertMessage, connection: &Connection) -> Vec<OperationRecord> {
    let news = message
        .news
        .iter()
        .filter(|news| news.change != AlertChange::Reminder);
    news.map(|news| line(news, message.at, connection)).collect()
}

fn line(news: &News, at: Timestamp, connection: &Connection) -> OperationRecord {
    let kind = match news.change {
        AlertChange::Cleared => OperationKind::Recovery,
        AlertChange::Raised | AlertChange::Reminder => OperationKind::Alert,
    };
    OperationRecord {
        kind,
        reason: reason(news.alert.kind()),
        reason_text: sentence(reason(news.alert.kind()), &detail(&news.alert)),
        ..about(connection, news.id, at)
    }
}

/// That a message is not tried any more on this channel; the same line however often it is written.
pub(super) fn given_up(
    connection: &Connection,
    (message, channel): (&AlertMessage, AlertChannel),
    problem: &str,
    at: Timestamp,
) -> OperationRecord {
    // Ids of news are others, so each channel's line has its own.
    let id = uuid::Uuid::from_u128(message.id.as_uuid().as_u128() ^ (channel as u128 + 1)).into();
    let named = match channel {
        AlertChannel::Webhook => "webhook",
        AlertChannel::Email => "mail",
        AlertChannel::Topic => "topic",
        AlertChannel::History => "history",
    };
    OperationRecord {
        reason: Reason::AlertNotDelivered,
        reason_text: sentence(Reason::AlertNotDelivered, named),
        outcome: OutcomeKind::Failed,
        error: Some(problem.to_owned()),
        ..about(connection, id, at)
    }
}

fn about(connection: &Connection, id: AlertId, at: Timestamp) -> OperationRecord {
    OperationRecord {
        at,
        run: id.as_uuid().into(),
        kind: OperationKind::Alert,
        object: ObjectKind::Connection,
        entra_id: connection.id.to_string(),
        name: connection.name.clone(),
        target_id: None,
        number: None,
        before: None,
        after: None,
        reason: Reason::SyncFailing,
        reason_text: String::new(),
        outcome: OutcomeKind::Applied,
        error: None,
    }
}

/// What the code of the reason does not say.
fn detail(alert: &Alert) -> String {
    let known = |head: String, reason: &Option<String>| {
        let reason = reason.as_ref().filter(|reason| !reason.is_empty());
        let parts = [Some(head).filter(|head| !head.is_empty()), reason.cloned()];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    };
    match alert {
        // What needs a person does so before any run failed of it.
        Alert::SyncFailing {
            failures: 0, reason, ..
        }
        | Alert::SubscriptionLost { reason, .. } => known(String::new(), reason),
        Alert::SyncFailing { failures, reason, .. } => known(format!("{failures} in a row"), reason),
        Alert::PlanHeld { removals, .. } => format!("{removals} removals"),
        Alert::NoGoodRun { last_good_at } => format!("since {}", minute(*last_good_at)),
        Alert::PresenceSilent { last_good_at, reason } => {
            known(format!("since {}", minute(*last_good_at)), reason)
        }
        Alert::SecretEnds { ends_at, .. } => format!("on {}", ends_at.strftime("%Y-%m-%d")),
    }
}

fn reason(kind: AlertKind) -> Reason {
    match kind {
        AlertKind::SyncFailing => Reason::SyncFailing,
        AlertKind::PlanHeld => Reason::PlanHeld,
        AlertKind::NoGoodRun => Reason::NoGoodRun,
        AlertKind::PresenceSilent => Reason::PresenceSilent,
        AlertKind::SecretEnds => Reason::SecretEnds,
        AlertKind::SubscriptionLost => Reason::SubscriptionLost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_once_one_has_failed() {
        let failing = |failures| Alert::SyncFailing {
            failures,
            needs_attention: true,
            reason: Some("nobody signed in".to_owned()),
        };
        assert_eq!(detail(&failing(0)), "nobody signed in");
        assert_eq!(detail(&failing(2)), "2 in a row; nobody signed in");
    }
}
