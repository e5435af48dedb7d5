//! The sentences of alerts, in both languages. One `match` a language: a new alert does not compile without its words. What
//! Microsoft or the PBX said stays as it was said.

use jiff::Timestamp;

use crate::domain::alert::{Alert, AlertChange};
use crate::domain::alert_settings::AlertLanguage;

/// The fixed words of a message.
pub(super) struct Words {
    /// What a subject begins with.
    pub product: &'static str,
    pub connection: &'static str,
    pub since: &'static str,
    pub reminder: &'static str,
    pub id: &'static str,
    pub test: &'static str,
}

const ENGLISH: Words = Words {
    product: "Entra to Yeastar",
    connection: "Connection",
    since: "since",
    reminder: "still so",
    id: "Message",
    test: "This is a test. Alerts of this connection arrive here.",
};

const CHINESE: Words = Words {
    product: "Entra 连接 Yeastar",
    connection: "连接",
    since: "自",
    reminder: "仍未解决",
    id: "消息",
    test: "这是一条测试消息。此连接的告警将发送到这里。",
};

impl Words {
    pub fn of(language: AlertLanguage) -> &'static Self {
        match language {
            AlertLanguage::English => &ENGLISH,
            AlertLanguage::Chinese => &CHINESE,
        }
    }

    /// The words for so many pieces of news in one message.
    pub fn several(language: AlertLanguage, count: usize) -> String {
        match language {
            AlertLanguage::English => format!("{count} alerts"),
            AlertLanguage::Chinese => format!("{count} 条告警"),
        }
    }
}

/// An alert as one sentence.
pub fn sentence(alert: &Alert, change: AlertChange, language: AlertLanguage) -> String {
    match (language, change) {
        (AlertLanguage::English, AlertChange::Cleared) => over_english(alert).to_owned(),
        (AlertLanguage::Chinese, AlertChange::Cleared) => over_chinese(alert).to_owned(),
        (AlertLanguage::English, _) => english(alert),
        (AlertLanguage::Chinese, _) => chinese(alert),
    }
}

fn english(alert: &Alert) -> String {
    let because = |reason: &Option<String>| reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    match alert {
        Alert::SyncFailing {
            needs_attention: true,
            reason,
            ..
        } => format!("Sync needs somebody to act{}", because(reason)),
        Alert::SyncFailing { failures, reason, .. } => {
            format!("{failures} sync runs in a row failed{}", because(reason))
        }
        Alert::PlanHeld { removals, .. } => {
            format!("removals wait for somebody to approve or reject them: {removals}")
        }
        Alert::NoGoodRun { last_good_at } => {
            format!("No sync run has ended well since {}", minute(*last_good_at))
        }
        Alert::PresenceSilent { last_good_at, reason } => format!(
            "Presence has not been carried since {}{}",
            minute(*last_good_at),
            because(reason)
        ),
        Alert::SecretEnds { ends_at, days: 0 } => format!(
            "The app's secret or certificate ended on {}; make another one in the app registration and hand it over",
            day(*ends_at)
        ),
        Alert::SecretEnds { ends_at, .. } => format!(
            "The app's secret or certificate ends on {}; make another one in the app registration and hand it over",
            day(*ends_at)
        ),
        Alert::SubscriptionLost { lost, reason } => format!(
            "Microsoft does not tell of changes ({lost} of 2 subscriptions lost), so they are found a little later{}",
            because(reason)
        ),
    }
}

fn over_english(alert: &Alert) -> &'static str {
    match alert {
        Alert::SyncFailing { .. } => "Sync works again",
        Alert::PlanHeld { .. } => "No removals wait for approval any more",
        Alert::NoGoodRun { .. } => "A sync run has ended well again",
        Alert::PresenceSilent { .. } => "Presence is carried again",
        Alert::SecretEnds { .. } => "The app's secret or certificate does not end soon any more",
        Alert::SubscriptionLost { .. } => "Microsoft tells of changes again",
    }
}

fn chinese(alert: &Alert) -> String {
    let because = |reason: &Option<String>| reason.as_ref().map(|why| format!("：{why}")).unwrap_or_default();
    match alert {
        Alert::SyncFailing {
            needs_attention: true,
            reason,
            ..
        } => format!("同步需要人工处理{}", because(reason)),
        Alert::SyncFailing { failures, reason, .. } => {
            format!("同步已连续失败 {failures} 次{}", because(reason))
        }
        Alert::PlanHeld { removals, .. } => format!("有 {removals} 项删除等待批准或拒绝"),
        Alert::NoGoodRun { last_good_at } => format!("自 {} 以来没有成功的同步", minute(*last_good_at)),
        Alert::PresenceSilent { last_good_at, reason } => {
            format!(
                "自 {} 以来未同步用户状态{}",
                minute(*last_good_at),
                because(reason)
            )
        }
        Alert::SecretEnds { ends_at, days: 0 } => {
            format!(
                "应用的客户端密码或证书已于 {} 到期；请在应用注册中新建一个并在此更新",
                day(*ends_at)
            )
        }
        Alert::SecretEnds { ends_at, .. } => {
            format!(
                "应用的客户端密码或证书将于 {} 到期；请在应用注册中新建一个并在此更新",
                day(*ends_at)
            )
        }
        Alert::SubscriptionLost { lost, reason } => format!(
            "Microsoft 不再通知变更（2 个订阅中有 {lost} 个失效），变更会稍晚被发现{}",
            because(reason)
        ),
    }
}

fn over_chinese(alert: &Alert) -> &'static str {
    match alert {
        Alert::SyncFailing { .. } => "同步已恢复正常",
        Alert::PlanHeld { .. } => "不再有等待批准的删除",
        Alert::NoGoodRun { .. } => "同步已再次成功",
        Alert::PresenceSilent { .. } => "用户状态已恢复同步",
        Alert::SecretEnds { .. } => "应用的客户端密码或证书近期不再到期",
        Alert::SubscriptionLost { .. } => "Microsoft 已恢复变更通知",
    }
}

/// To the minute, in the one zone that everybody can reckon from.
pub(super) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One alert of each look.
    pub fn every_alert() -> Vec<Alert> {
        let at = "2026-03-02T09:00:00Z".parse().unwrap();
        let reason = Some("why".to_owned());
        vec![
            Alert::SyncFailing {
                failures: 3,
                needs_attention: false,
                reason: reason.clone(),
            },
            Alert::SyncFailing {
                failures: 1,
                needs_attention: true,
                reason: reason.clone(),
            },
            Alert::PlanHeld {
                run: uuid::Uuid::from_u128(1).into(),
                removals: 3,
            },
            Alert::NoGoodRun { last_good_at: at },
            Alert::PresenceSilent {
                last_good_at: at,
                reason: reason.clone(),
            },
            Alert::SecretEnds { ends_at: at, days: 7 },
            Alert::SecretEnds { ends_at: at, days: 0 },
            Alert::SubscriptionLost { lost: 2, reason },
        ]
    }

    fn is_chinese(text: &str) -> bool {
        text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
    }

    #[test]
    fn both_languages_say_the_same_numbers_and_days() {
        let digits = |text: &str| {
            let mut digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
            digits.sort_unstable();
            digits
        };
        for alert in every_alert() {
            for change in [AlertChange::Raised, AlertChange::Cleared] {
                let english = sentence(&alert, change, AlertLanguage::English);
                let chinese = sentence(&alert, change, AlertLanguage::Chinese);
                assert!(
                    is_chinese(&chinese) && !is_chinese(&english),
                    "{chinese} {english}"
                );
                assert_eq!(digits(&english), digits(&chinese));
            }
        }
    }

    #[test]
    fn fixed_words_are_there_in_both_languages() {
        let texts = |words: &Words| {
            let Words {
                product,
                connection,
                since,
                reminder,
                id,
                test,
            } = words;
            [*product, *connection, *since, *reminder, *id, *test]
        };
        for text in texts(Words::of(AlertLanguage::Chinese)) {
            assert!(is_chinese(text), "{text}");
        }
        for text in texts(Words::of(AlertLanguage::English)) {
            assert!(!text.is_empty() && !is_chinese(text), "{text}");
        }
    }
}
