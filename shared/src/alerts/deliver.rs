//! Tells a message on one channel, once. What keeps it from arriving is a sentence for the admin.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::render::{self, Rendered};
use super::topic::AlertTopic;
use super::webhook::WebhookAddress;
use crate::domain::alert::AlertChannel;
use crate::domain::alert_settings::{AlertEmail, AlertSettings, AlertWebhook};
use crate::domain::connection::Connection;
use crate::domain::ids::AlertId;
use crate::ports::{Mail, Mailer, PhoneSystemError, SideError};
use crate::settings::AddressPolicy;
use crate::store::StoreError;
use crate::sync_run::Engine;
use crate::telemetry::chain;

/// How long one channel may take for one message; a PBX that is busy would have us wait for minutes.
const LONGEST: Duration = Duration::from_secs(20);

/// What an installation may reach, and its topic.
#[derive(Clone)]
pub struct Outlets {
    /// Which addresses a webhook may have.
    pub policy: AddressPolicy,
    /// Where every alert of every connection goes, if anywhere.
    pub topic: Option<Arc<dyn AlertTopic>>,
}

/// Why a message did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// For the admin; the table is not to blame.
    #[error("{0}")]
    Refused(String),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The connection's settings make no client.
    #[error("the PBX cannot be used: {0}")]
    Sides(#[from] SideError),
    /// The message has no JSON.
    #[error("the message could not be written")]
    Json(#[from] serde_json::Error),
}

/// The channels that these settings and this installation have.
pub(super) fn channels(settings: &AlertSettings, outlets: &Outlets) -> BTreeSet<AlertChannel> {
    let webhook = settings.webhook.as_ref().map(|_| AlertChannel::Webhook);
    let email = settings.email.as_ref().map(|_| AlertChannel::Email);
    let topic = outlets.topic.as_ref().map(|_| AlertChannel::Topic);
    webhook.into_iter().chain(email).chain(topic).collect()
}

/// Sends a test on every channel; answers what became of each.
pub async fn send_test(
    engine: &Engine,
    outlets: &Outlets,
    connection: &Connection,
    settings: &AlertSettings,
) -> Vec<(AlertChannel, Result<(), Undelivered>)> {
    let now = engine.clock.now();
    let rendered = render::test(AlertId::generate(now), connection, settings.language, now);
    let courier = Courier {
        engine,
        outlets,
        connection,
        settings,
    };
    // Side by side: somebody waits for the answer.
    let tests = channels(settings, outlets).into_iter().map(|channel| {
        let (courier, rendered) = (&courier, &rendered);
        async move {
            let result = match rendered {
                Ok(rendered) => courier.carry(channel, rendered, &mut BTreeSet::new()).await,
                Err(error) => Err(Undelivered::Refused(error.to_string())),
            };
            (channel, result)
        }
    });
    join_all(tests).await
}

/// Carries messages of one connection.
pub(super) struct Courier<'a> {
    pub engine: &'a Engine,
    pub outlets: &'a Outlets,
    pub connection: &'a Connection,
    pub settings: &'a AlertSettings,
}

impl Courier<'_> {
    /// A channel that is set no more carries nothing, and that is no failure. Mail goes to whom it has not `served` yet.
    pub async fn carry(
        &self,
        channel: AlertChannel,
        message: &Rendered,
        served: &mut BTreeSet<String>,
    ) -> Result<(), Undelivered> {
        let carried = tokio::time::timeout(LONGEST, self.carry_whole(channel, message, served));
        carried
            .await
            .unwrap_or_else(|_late| Err(Undelivered::Refused("no answer in time".to_owned())))
    }

    async fn carry_whole(
        &self,
        channel: AlertChannel,
        message: &Rendered,
        served: &mut BTreeSet<String>,
    ) -> Result<(), Undelivered> {
        match channel {
            AlertChannel::History => Ok(()),
            AlertChannel::Webhook => match &self.settings.webhook {
                Some(webhook) => self.post(webhook, message).await,
                None => Ok(()),
            },
            AlertChannel::Email => match &self.settings.email {
                Some(email) => self.mail(email, message, served).await,
                None => Ok(()),
            },
            AlertChannel::Topic => match &self.outlets.topic {
                Some(topic) => publish(topic.as_ref(), message).await,
                None => Ok(()),
            },
        }
    }

    async fn post(&self, webhook: &AlertWebhook, message: &Rendered) -> Result<(), Undelivered> {
        let now = self.engine.clock.now();
        let address = WebhookAddress::parse(&webhook.url, self.outlets.policy);
        let address = address.map_err(Undelivered::Refused)?;
        let secrets = self.engine.store.alert_secrets(self.connection.id).await?;
        let Some(secrets) = secrets else {
            let sentence = "the webhook has no secret: make a new one";
            return Err(Undelivered::Refused(sentence.to_owned()));
        };
        let posted = address.post(&message.json, &secrets.good_at(now), now).await;
        posted.map_err(Undelivered::Refused)
    }

    /// One mail an address. One that is refused keeps no other from being sent.
    async fn mail(
        &self,
        email: &AlertEmail,
        message: &Rendered,
        served: &mut BTreeSet<String>,
    ) -> Result<(), Undelivered> {
        let secrets = self.engine.store.secrets(self.connection.id).await?;
        let Some(secrets) = secrets else {
            let sentence = "the secrets of this connection are missing; enter them again";
            return Err(Undelivered::Refused(sentence.to_owned()));
        };
        let sides = self.engine.sides.sides(self.connection, &secrets)?;
        let mut refused = Ok(());
        for to in &email.to {
            if served.contains(to) {
                continue;
            }
            match send(sides.mailer.as_ref(), to, message).await {
                Ok(()) => drop(served.insert(to.clone())),
                Err(error) => refused = refused.and(Err(error)),
            }
        }
        refused
    }
}

async fn send(mailer: &dyn Mailer, to: &str, message: &Rendered) -> Result<(), Undelivered> {
    let mail = Mail {
        to,
        subject: &message.subject,
        content: &message.text,
    };
    match mailer.send_mail(&mail).await {
        Ok(()) => Ok(()),
        Err(PhoneSystemError::NotInThisFirmware { call }) => Err(Undelivered::Refused(format!(
            "this PBX's firmware cannot send mail for us ({call}); update it, or use a webhook"
        ))),
        Err(error) => Err(Undelivered::Refused(chain(&error).to_string())),
    }
}

async fn publish(topic: &dyn AlertTopic, message: &Rendered) -> Result<(), Undelivered> {
    let published = topic
        .publish(&message.subject, &message.text, &message.json)
        .await;
    published.map_err(|error| {
        tracing::warn!(error = %chain(&error), "the topic of alerts cannot be published on");
        Undelivered::Refused(error.to_string())
    })
}
