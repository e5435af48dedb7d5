//! Keeps the subscriptions of a connection as its settings want them: one a kind, renewed every day, replaced when Graph
//! lost it. What goes wrong is a sentence for the admin; looks go on without notifications.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::attend::later;
use super::terms::{Address, Problems, Terms};
use crate::domain::client_state::{ClientStateKey, WatchedBy};
use crate::domain::ids::ConnectionId;
use crate::domain::subscription::{Nonce, SubscriptionKind};
use crate::ports::{DirectoryError, SubscriptionError, Subscriptions, WantedSubscription};
use crate::store::{Subscription, Watch};

/// How long a subscription is asked for: a day less than Graph grants at most.
const LIFE: Duration = Duration::from_hours(28 * 24);
/// How often one is renewed: often enough to notice within a day that it is gone, and four weeks before its end.
const RENEW_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Graph wants no second renewal within ten minutes.
const RENEWALS_APART: SignedDuration = SignedDuration::from_mins(10);

/// Until the next try after trouble, doubled with each one in a row.
const FIRST_RETRY: Duration = Duration::from_mins(1);
const LONGEST_RETRY: Duration = Duration::from_hours(1);

/// One connection's subscriptions.
pub(super) struct Keeper<'a> {
    pub connection: ConnectionId,
    pub graph: &'a dyn Subscriptions,
    pub key: &'a ClientStateKey,
    pub address: &'a Address,
    pub now: Timestamp,
}

impl Keeper<'_> {
    /// Makes `watch` what `terms` want, as far as Graph lets us.
    pub async fn keep(&self, watch: &mut Watch, terms: &Terms) {
        if watch.retry_at.is_some_and(|at| at > self.now) {
            return;
        }
        let mut problems = Problems::new();
        watch.without_notifications = None;
        for kind in SubscriptionKind::ALL {
            let done = match self.address {
                Address::At(origin) if terms.kinds.contains(&kind) => {
                    self.have(watch, kind, &origin.to_string()).await
                }
                Address::Nowhere { because } if terms.kinds.contains(&kind) => {
                    watch.without_notifications = Some(because.clone());
                    self.end(watch, kind).await
                }
                _ => self.end(watch, kind).await,
            };
            if let Err(error) = done {
                tracing::warn!(connection.id = %self.connection, error = %error, "a subscription is not as it should be");
                problems.insert(kind, error.to_string());
            }
        }
        if problems.is_empty() {
            watch.failures_in_row = 0;
            watch.retry_at = None;
        } else {
            watch.retry_at = Some(later(self.now, back_off(watch.failures_in_row)));
            watch.failures_in_row = watch.failures_in_row.saturating_add(1);
        }
        watch.problems = problems;
    }

    async fn have(
        &self,
        watch: &mut Watch,
        kind: SubscriptionKind,
        origin: &str,
    ) -> Result<(), SubscriptionError> {
        if watch
            .subscriptions
            .get(&kind)
            .is_some_and(|known| known.reports_to != origin)
        {
            self.end(watch, kind).await?;
        }
        if let Some(known) = watch.subscriptions.get_mut(&kind)
            && (!self.wants_renewal(known) || self.renew(known).await?)
        {
            return Ok(());
        }
        watch.subscriptions.remove(&kind);
        let made = self.make(kind, origin).await?;
        watch.subscriptions.insert(kind, made);
        Ok(())
    }

    fn wants_renewal(&self, known: &Subscription) -> bool {
        let age = self.now.duration_since(known.confirmed_at);
        age >= RENEW_EVERY || (known.asked_at.is_some() && age >= RENEWALS_APART)
    }

    /// `false`: Graph does not know it any more.
    async fn renew(&self, known: &mut Subscription) -> Result<bool, DirectoryError> {
        let Some(ends_at) = self
            .graph
            .renew_subscription(known.id, self.end_of_life())
            .await?
        else {
            return Ok(false);
        };
        known.ends_at = ends_at;
        known.confirmed_at = self.now;
        known.asked_at = None;
        Ok(true)
    }

    fn end_of_life(&self) -> Timestamp {
        later(self.now, LIFE)
    }

    async fn make(&self, kind: SubscriptionKind, origin: &str) -> Result<Subscription, SubscriptionError> {
        let nonce = Nonce::generate();
        let by = WatchedBy {
            connection: self.connection,
            kind,
            nonce,
        };
        let wanted = WantedSubscription {
            kind,
            notification_url: notification_url(origin),
            lifecycle_url: format!("{origin}/graph/lifecycle"),
            client_state: self.key.derive(&by),
            ends_at: self.end_of_life(),
        };
        let granted = match self.graph.subscribe(&wanted).await {
            Err(SubscriptionError::Exists) => {
                self.clear_away(kind, &wanted.notification_url).await?;
                self.graph.subscribe(&wanted).await?
            }
            other => other?,
        };
        Ok(Subscription {
            id: granted.id,
            nonce,
            reports_to: origin.to_owned(),
            ends_at: granted.ends_at,
            confirmed_at: self.now,
            asked_at: None,
        })
    }

    /// Ends subscriptions of ours that nobody remembers: a process died between asking and storing. Their secret word
    /// cannot be read back, so they are of no use.
    async fn clear_away(&self, kind: SubscriptionKind, ours: &str) -> Result<(), DirectoryError> {
        for known in self.graph.list_subscriptions().await? {
            if known.kind == Some(kind) && known.notification_url == ours {
                self.graph.unsubscribe(known.id).await?;
            }
        }
        Ok(())
    }

    async fn end(&self, watch: &mut Watch, kind: SubscriptionKind) -> Result<(), SubscriptionError> {
        let Some(known) = watch.subscriptions.get(&kind) else {
            return Ok(());
        };
        if let Err(error @ (DirectoryError::Unavailable { .. } | DirectoryError::Unexpected { .. })) =
            self.graph.unsubscribe(known.id).await
        {
            return Err(error.into());
        }
        // Whoever may not sign in any more cannot end it either; it ends by itself, and its reports are dropped.
        watch.subscriptions.remove(&kind);
        Ok(())
    }
}

fn back_off(failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
    FIRST_RETRY.saturating_mul(factor).min(LONGEST_RETRY)
}

fn notification_url(origin: &str) -> String {
    format!("{origin}/graph/notifications")
}
