//! How a connection follows its tenant between scheduled runs, as its admins see it.

use jiff::Timestamp;
use serde::Serialize;
use shared::domain::subscription::SubscriptionKind;
use shared::store::Watch;

/// Whether changes in the directory are followed, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Following {
    /// Not followed: switched off, or no part needs it.
    Off,
    /// By notifications, with looks at the change list beneath them.
    Notifications,
    /// By looks at the change list alone.
    LooksOnly,
    /// Some of what is wanted could not be had; looks go on.
    Troubled,
}

/// How changes in the directory are followed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NotificationsView {
    state: Following,
    /// Why there is trouble, or why there are looks only.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    subscriptions: Vec<SubscriptionView>,
    /// When changes were last looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_look_at: Option<Timestamp>,
    /// Why the last look failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_look_error: Option<String>,
}

/// A subscription at Microsoft Graph.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SubscriptionView {
    resource: SubscriptionKind,
    /// When it ends unless renewed, which happens every day.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// When Microsoft Graph last confirmed it.
    #[schema(value_type = String, format = DateTime)]
    confirmed_at: Timestamp,
}

impl NotificationsView {
    /// Of a connection's watch, if it has one.
    pub fn of(watch: Option<&Watch>) -> Self {
        let Some(watch) = watch else {
            return Self {
                state: Following::Off,
                reason: None,
                subscriptions: Vec::new(),
                last_look_at: None,
                last_look_error: None,
            };
        };
        let subscriptions = watch.subscriptions.iter().map(|(kind, known)| SubscriptionView {
            resource: *kind,
            expires_at: known.ends_at,
            confirmed_at: known.confirmed_at,
        });
        let (state, reason) = state_of(watch);
        Self {
            state,
            reason,
            subscriptions: subscriptions.collect(),
            last_look_at: watch.looked_at,
            last_look_error: watch.look_problem.clone(),
        }
    }
}

fn state_of(watch: &Watch) -> (Following, Option<String>) {
    let trouble = watch.problems.values().next();
    match (watch.follows, trouble, &watch.without_notifications) {
        (false, _, _) => (Following::Off, None),
        (true, Some(trouble), _) => (Following::Troubled, Some(trouble.clone())),
        (true, None, Some(why)) => (Following::LooksOnly, Some(why.clone())),
        (true, None, None) if watch.subscriptions.is_empty() => (Following::LooksOnly, None),
        (true, None, None) => (Following::Notifications, None),
    }
}
