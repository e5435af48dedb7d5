//! Who is available in Teams. Matched by id, never by place: people without Teams are left out, or answer that nothing is
//! known of them.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;

use super::client::{Call, GraphClient};
use super::wire::plain;
use crate::domain::ids::EntraUserId;
use crate::domain::permissions::PRESENCE;
use crate::domain::presence::TeamsStatus;
use crate::ports::{DirectoryError, TeamsPresence};

const DOING: &str = "reading Teams presence";

/// An unreadable part is an unknown one: whose it is, and what it says, is judged value by value.
#[derive(Deserialize)]
struct Answer {
    value: Vec<Presence>,
}

#[derive(Deserialize)]
struct Presence {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    availability: Option<String>,
    #[serde(default)]
    activity: Option<String>,
}

impl Presence {
    fn read(self) -> Option<(EntraUserId, TeamsStatus)> {
        let user = EntraUserId::parse(&self.id?).ok()?;
        let availability = self.availability.unwrap_or_default();
        let status = TeamsStatus::of_words(&availability, &self.activity.unwrap_or_default())?;
        Some((user, status))
    }
}

#[async_trait]
impl TeamsPresence for GraphClient {
    async fn presences(
        &self,
        people: &[EntraUserId],
    ) -> Result<BTreeMap<EntraUserId, TeamsStatus>, DirectoryError> {
        if people.is_empty() {
            return Ok(BTreeMap::new());
        }
        let ids: Vec<String> = people.iter().map(ToString::to_string).collect();
        let call = Call {
            url: self.url("/communications/getPresencesByUserId")?,
            method: Method::POST,
            body: Some(serde_json::json!({ "ids": ids }).to_string().into_bytes()),
            advanced: false,
            yielding: false,
            doing: DOING,
        };
        let answer = self
            .fetch(&call, &self.patience(), plain::<Answer>)
            .await
            .map_err(|failure| failure.into_error(DOING, PRESENCE))?;
        let asked: BTreeSet<EntraUserId> = people.iter().copied().collect();
        let known = answer.value.into_iter().filter_map(Presence::read);
        Ok(known.filter(|(user, _)| asked.contains(user)).collect())
    }
}
