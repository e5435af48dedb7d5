//! Subscriptions: what Graph is asked to tell, and where. Graph calls the address back before it grants one, so whoever
//! serves that address must not be the one who waits here.

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::client::{Call, GraphClient};
use super::error::{Failure, Refusal, unexpected};
use super::pages::Chain;
use super::wire::{Page, plain};
use super::{groups, users};
use crate::domain::ids::SubscriptionId;
use crate::domain::subscription::SubscriptionKind;
use crate::ports::{
    DirectoryError, GrantedSubscription, KnownSubscription, SubscriptionError, Subscriptions,
    WantedSubscription,
};

/// Both report a creation as an update.
const CHANGE_TYPE: &str = "updated,deleted";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSubscription {
    id: String,
    resource: String,
    notification_url: String,
    expiration_date_time: Timestamp,
}

#[derive(Deserialize)]
struct WirePage {
    value: Vec<WireSubscription>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
}

fn permission(kind: SubscriptionKind) -> &'static str {
    match kind {
        SubscriptionKind::Users => users::PERMISSION,
        // The narrower ones do for reading, not for this.
        SubscriptionKind::Groups => "Group.Read.All",
    }
}

fn id(text: &str, doing: &str) -> Result<SubscriptionId, DirectoryError> {
    SubscriptionId::parse(text).map_err(|_| unexpected(format!("{doing}: a subscription without a GUID")))
}

fn page(body: &[u8]) -> serde_json::Result<Page<WireSubscription>> {
    let page: WirePage = plain(body)?;
    Ok(Page {
        items: page.value,
        next_link: page.next_link,
        delta_link: None,
    })
}

/// For answers whose body says nothing that counts.
#[expect(clippy::unnecessary_wraps, reason = "a parser, as every other one")]
fn nothing(_body: &[u8]) -> serde_json::Result<()> {
    Ok(())
}

impl GraphClient {
    async fn call_subscriptions<T>(
        &self,
        (method, path): (Method, &str),
        body: Option<serde_json::Value>,
        doing: &str,
        parse: impl Fn(&[u8]) -> serde_json::Result<T> + Sync,
    ) -> Result<T, Failure> {
        let call = Call {
            url: self.url(path)?,
            method,
            body: body.map(|body| body.to_string().into_bytes()),
            advanced: false,
            yielding: false,
            doing,
        };
        self.fetch(&call, &self.patience(), parse).await
    }
}

#[async_trait]
impl Subscriptions for GraphClient {
    async fn subscribe(&self, wanted: &WantedSubscription) -> Result<GrantedSubscription, SubscriptionError> {
        let doing = format!("subscribing to changes of {}", wanted.kind.key());
        let body = json!({
            "changeType": CHANGE_TYPE,
            "notificationUrl": wanted.notification_url,
            "lifecycleNotificationUrl": wanted.lifecycle_url,
            "resource": wanted.kind.resource(),
            "expirationDateTime": wanted.ends_at.to_string(),
            "clientState": wanted.client_state,
            "latestSupportedTlsVersion": "v1_2",
        });
        let answer = self
            .call_subscriptions(
                (Method::POST, "/subscriptions"),
                Some(body),
                &doing,
                plain::<WireSubscription>,
            )
            .await;
        match answer {
            Ok(granted) => Ok(GrantedSubscription {
                id: id(&granted.id, &doing)?,
                ends_at: granted.expiration_date_time,
            }),
            Err(Failure::Refused(refusal)) => Err(refused(&refusal, wanted.kind)),
            Err(Failure::Directory(error)) => Err(error.into()),
        }
    }

    async fn renew_subscription(
        &self,
        subscription: SubscriptionId,
        ends_at: Timestamp,
    ) -> Result<Option<Timestamp>, DirectoryError> {
        const DOING: &str = "renewing a subscription";
        let path = format!("/subscriptions/{subscription}");
        let body = json!({ "expirationDateTime": ends_at.to_string() });
        let answer = self
            .call_subscriptions(
                (Method::PATCH, &path),
                Some(body),
                DOING,
                plain::<WireSubscription>,
            )
            .await;
        Ok(unless_gone(answer, DOING)?.map(|renewed| renewed.expiration_date_time))
    }

    async fn list_subscriptions(&self) -> Result<Vec<KnownSubscription>, DirectoryError> {
        const DOING: &str = "listing subscriptions";
        let first = Call {
            url: self.url("/subscriptions")?,
            method: Method::GET,
            body: None,
            advanced: false,
            yielding: false,
            doing: DOING,
        };
        let mut found = Vec::new();
        let chain = Chain {
            first,
            patience: &self.patience(),
        };
        self.read_chain(chain, page, |items| found.extend(items))
            .await
            .map_err(|failure| failure.into_error(DOING, groups::PERMISSION))?;
        found
            .into_iter()
            .map(|found| {
                Ok(KnownSubscription {
                    id: id(&found.id, DOING)?,
                    kind: SubscriptionKind::of_resource(&found.resource),
                    notification_url: found.notification_url,
                })
            })
            .collect()
    }

    async fn unsubscribe(&self, subscription: SubscriptionId) -> Result<(), DirectoryError> {
        const DOING: &str = "ending a subscription";
        let path = format!("/subscriptions/{subscription}");
        let answer = self
            .call_subscriptions((Method::DELETE, &path), None, DOING, nothing)
            .await;
        unless_gone(answer, DOING).map(|_| ())
    }
}

fn unless_gone<T>(answer: Result<T, Failure>, doing: &str) -> Result<Option<T>, DirectoryError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Failure::Refused(refusal)) if refusal.status == StatusCode::NOT_FOUND => Ok(None),
        Err(failure) => Err(failure.into_error(doing, "Group.Read.All")),
    }
}

fn refused(refusal: &Refusal, kind: SubscriptionKind) -> SubscriptionError {
    match refusal.status {
        StatusCode::CONFLICT => SubscriptionError::Exists,
        // Also the answer where a quota is used up; the code is the same and the words are not kept.
        StatusCode::FORBIDDEN => DirectoryError::PermissionMissing {
            permission: permission(kind).to_owned(),
        }
        .into(),
        StatusCode::BAD_REQUEST => SubscriptionError::Refused {
            detail: refusal.words(),
        },
        _ => unexpected(format!("subscribing: {}", refusal.words())).into(),
    }
}
