//! From the logs of the directory to what is told: one item or several for a change, in any order, some of them lost if so
//! set, in batches for each address.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::behaviour::NotificationPolicy;
use super::changes::{Entry, What};
use super::receivers::Receivers;
use super::subscription::{Subscription, Watched};
use super::subscription_routes::Subscriptions;
use super::tenant::Tenant;
use super::world::below;

/// A POST to be made.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub url: String,
    pub body: Value,
    pub due_at: Timestamp,
    /// Since when it is tried.
    pub first_at: Option<Timestamp>,
    pub attempts: u32,
}

/// Holds back what no token can be had for: so long until the next look.
const HOLD: SignedDuration = SignedDuration::from_mins(5);

#[derive(Default)]
pub struct Outbox {
    pub waiting: Vec<Delivery>,
    pub receivers: Receivers,
    sequence: u64,
}

impl Outbox {
    /// Puts everything that happened since into deliveries.
    pub fn fill(
        &mut self,
        subscriptions: &mut Subscriptions,
        tenants: &BTreeMap<String, Tenant>,
        (policy, rng): (&NotificationPolicy, &mut ChaCha8Rng),
        now: Timestamp,
    ) {
        subscriptions.settle(now);
        let mut items: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for subscription in subscriptions.all.values_mut().filter(|known| known.granted) {
            let Some(tenant) = tenants.get(&subscription.tenant) else {
                continue;
            };
            self.authorise(subscription, policy, now);
            let told = self.tell(subscription, tenant, now);
            let stopped = subscription.authorise_by.is_some_and(|by| by < now);
            if !policy.enabled || stopped {
                continue;
            }
            let url = subscription.notification_url.clone();
            for item in told {
                if below(rng, 100) < usize::from(policy.lost_percent) && subscription.watched.in_directory() {
                    continue;
                }
                let copies = 1 + below(rng, usize::from(policy.most_copies.max(1)));
                let batch = items.entry(url.clone()).or_default();
                batch.extend(std::iter::repeat_n(item, copies));
            }
        }
        for (url, mut batch) in items {
            if policy.shuffle {
                shuffle(&mut batch, rng);
            }
            for chunk in batch.chunks(policy.items_per_post.max(1)) {
                self.enqueue(&url, chunk, (policy, rng), now);
            }
        }
    }

    fn enqueue(
        &mut self,
        url: &str,
        items: &[Value],
        (policy, rng): (&NotificationPolicy, &mut ChaCha8Rng),
        now: Timestamp,
    ) {
        let Some(held_until) = self.receivers.admit(url, now) else {
            return;
        };
        let spread = usize::try_from(policy.spread_ms).unwrap_or(usize::MAX);
        let delay = policy
            .delay_ms
            .saturating_add(below(rng, spread.saturating_add(1)) as u64);
        let delay = SignedDuration::from_millis(i64::try_from(delay).unwrap_or(i64::MAX));
        let due_at = now
            .saturating_add(delay)
            .unwrap_or(Timestamp::MAX)
            .max(held_until);
        self.waiting.push(Delivery {
            url: url.to_owned(),
            body: json!({ "value": items, "validationTokens": null }),
            due_at,
            first_at: None,
            attempts: 0,
        });
    }

    /// One lifecycle event, now.
    pub fn lifecycle(&mut self, subscription: &Subscription, event: &str, now: Timestamp) {
        let url = subscription
            .lifecycle_url
            .as_ref()
            .unwrap_or(&subscription.notification_url);
        let item = json!({
            "lifecycleEvent": event,
            "subscriptionId": subscription.id.to_string(),
            "tenantId": subscription.tenant,
            "subscriptionExpirationDateTime": super::directory::seconds(subscription.ends_at),
            "clientState": subscription.client_state,
        });
        self.waiting.push(Delivery {
            url: url.clone(),
            body: json!({ "value": [item] }),
            due_at: now,
            first_at: None,
            attempts: 0,
        });
    }

    /// Asks for a new authorisation from time to time.
    fn authorise(&mut self, subscription: &mut Subscription, policy: &NotificationPolicy, now: Timestamp) {
        let Some(every) = policy.authorise_every_seconds else {
            return;
        };
        let every = SignedDuration::from_secs(every);
        if subscription.authorise_by.is_some() || now.duration_since(subscription.asked_at) < every {
            return;
        }
        subscription.ask(policy, now);
        self.lifecycle(subscription, "reauthorizationRequired", now);
    }

    fn tell(&mut self, subscription: &mut Subscription, tenant: &Tenant, now: Timestamp) -> Vec<Value> {
        let directory = &tenant.directory;
        let (users, groups) = (&directory.users.log, &directory.groups.log);
        let (from_users, from_groups) = subscription.told;
        subscription.told = (users.len(), groups.len());
        let users = users.get(from_users..).unwrap_or_default();
        let groups = groups.get(from_groups..).unwrap_or_default();
        let mut items = Vec::new();
        let (kind, changed) = match &subscription.watched {
            Watched::Users => ("User", users.iter().collect::<Vec<_>>()),
            Watched::User(id) => ("User", users.iter().filter(|entry| entry.id == *id).collect()),
            Watched::Groups => ("Group", groups.iter().collect()),
            Watched::Group(id) | Watched::Members(id) => {
                ("Group", groups.iter().filter(|entry| entry.id == *id).collect())
            }
            Watched::Contacts | Watched::Presence => return items,
        };
        for entry in changed {
            let change = if entry.what == What::Purged {
                "deleted"
            } else {
                "updated"
            };
            if subscription.wants(change) {
                self.sequence += 1;
                items.push(item(subscription, (kind, change), (entry, self.sequence), now));
            }
        }
        items
    }

    /// What is due, out of the box.
    pub fn take_due(
        &mut self,
        now: Timestamp,
        tenants: &BTreeMap<String, Tenant>,
        known: &Subscriptions,
    ) -> Vec<Delivery> {
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|delivery| delivery.due_at <= now);
        self.waiting = later;
        let (ready, held): (Vec<_>, Vec<_>) = due
            .into_iter()
            .partition(|delivery| may_be_told(delivery, tenants, known));
        for mut delivery in held {
            delivery.first_at.get_or_insert(now);
            delivery.due_at = now.saturating_add(HOLD).unwrap_or(Timestamp::MAX);
            self.put_back(delivery, now);
        }
        ready
    }

    /// What was not taken is tried again, for four hours.
    pub fn put_back(&mut self, delivery: Delivery, now: Timestamp) {
        const GIVE_UP: SignedDuration = SignedDuration::from_hours(4);
        if delivery
            .first_at
            .is_none_or(|first| now.duration_since(first) < GIVE_UP)
        {
            self.waiting.push(delivery);
        }
    }
}

impl Subscription {
    /// A new authorisation is asked for.
    pub fn ask(&mut self, policy: &NotificationPolicy, now: Timestamp) {
        let grace = SignedDuration::from_secs(policy.authorise_within_seconds);
        self.asked_at = now;
        self.authorise_by = Some(now.saturating_add(grace).unwrap_or(Timestamp::MAX));
    }
}

/// Whether the app may still read what it is told of: the service takes a token in its name.
fn may_be_told(delivery: &Delivery, tenants: &BTreeMap<String, Tenant>, known: &Subscriptions) -> bool {
    let named = delivery.body["value"].as_array().into_iter().flatten();
    let ids: BTreeSet<&str> = named.filter_map(|item| item["subscriptionId"].as_str()).collect();
    ids.iter()
        .filter_map(|id| known.all.get(&Uuid::parse_str(id).ok()?))
        .all(|subscription| {
            let app = tenants
                .get(&subscription.tenant)
                .and_then(|tenant| tenant.apps.get(&subscription.app));
            app.is_some_and(|app| {
                app.enabled && app.consent && app.roles.contains(subscription.watched.needs())
            })
        })
}

fn item(
    subscription: &Subscription,
    (kind, change): (&str, &str),
    (entry, sequence): (&Entry, u64),
    now: Timestamp,
) -> Value {
    // The spelling differs from what was subscribed to.
    let path = format!("{kind}s/{}", entry.id);
    let mut data = json!({
        "@odata.type": format!("#Microsoft.Graph.{kind}"),
        "@odata.id": path,
        "id": entry.id.to_string(),
        "organizationId": subscription.tenant,
        "eventTime": now.to_string(),
        "sequenceNumber": 638_000_000_000_000_000 + sequence,
    });
    match &entry.what {
        What::MemberAdded(member) => data["members@delta"] = json!([{ "id": member.to_string() }]),
        What::MemberRemoved(member) => {
            data["members@delta"] = json!([{ "id": member.to_string(), "@removed": "deleted" }]);
        }
        _ => {}
    }
    json!({
        "subscriptionId": subscription.id.to_string(),
        "subscriptionExpirationDateTime": subscription.ends_at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
        "clientState": subscription.client_state,
        "changeType": change,
        "resource": path,
        "tenantId": subscription.tenant,
        "resourceData": data,
    })
}

fn shuffle(items: &mut [Value], rng: &mut ChaCha8Rng) {
    for end in (1..items.len()).rev() {
        let other = below(rng, end + 1);
        items.swap(end, other);
    }
}
