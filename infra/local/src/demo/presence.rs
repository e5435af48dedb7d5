//! A working day in the simulated tenant, faster than a real one: people come, meet, eat and leave in Teams, and their
//! extensions follow. Told in a few lines: who was there at the start, then one line an hour.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use serde_json::{Value, json};
use simulators::graph::{DEMO_TENANT_ID, Graph};
use simulators::pbx::Pbx;

use super::api::Api;
use super::progress::number;
use super::report;

/// Between two polls; a real installation polls every minute.
pub const POLL_EVERY: Duration = Duration::from_secs(10);
/// Between two looks at the polls.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Longer than a poll may take in the demo.
const AT_MOST: u32 = 240;
/// What passes in the tenant with each poll.
const MINUTES_A_POLL: u32 = 15;
/// When the tour looks in: everybody is at work.
const MORNING: u32 = 9 * 60 + 30;
/// When nobody is any more.
const EVENING: u32 = 18 * 60 + 30;

/// The day of one demo.
pub struct Day<'a> {
    api: &'a Api,
    connection: String,
    tenant: Arc<Graph>,
    pbx: Arc<Pbx>,
    minute: u32,
    last_poll: Value,
    /// Presence of each extension when it was last told of.
    told: BTreeMap<String, &'static str>,
}

impl<'a> Day<'a> {
    /// Switches presence on in the middle of the morning, and waits until the extensions have followed.
    pub async fn begin(
        api: &'a Api,
        connection: &str,
        tenant: Arc<Graph>,
        pbx: Arc<Pbx>,
    ) -> anyhow::Result<Self> {
        let mut day = Self {
            api,
            connection: connection.to_owned(),
            tenant,
            pbx,
            minute: MORNING,
            last_poll: Value::Null,
            told: BTreeMap::new(),
        };
        day.told = day.shown();
        day.tenant.live_minute(DEMO_TENANT_ID, day.minute)?;
        println!("\nPresence is switched on: extensions follow what their people show in Teams");
        let change = |settings: &mut Value| {
            settings["presence"]["enabled"] = json!(true);
            settings["presence"]["users_default"] = json!("on");
        };
        day.api.replace(&format!("{connection}/settings"), change).await?;
        for _ in 0..AT_MOST {
            if let Some(poll) = day.next_poll().await? {
                println!("  {}", report::poll(&poll));
                day.tell(&poll).await?;
                return Ok(day);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!("presence did not reach the PBX")
    }

    /// Lets the day pass, and tells of it every hour; when it is over, nothing moves any more.
    pub async fn go_on(mut self) -> anyhow::Result<Infallible> {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Some(poll) = self.next_poll().await? else {
                continue;
            };
            let hour_is_over = self.minute.is_multiple_of(60);
            if hour_is_over && self.minute <= EVENING {
                self.tell(&poll).await?;
            }
            self.minute += MINUTES_A_POLL;
            if self.minute <= EVENING {
                self.tenant.live_minute(DEMO_TENANT_ID, self.minute)?;
            }
        }
    }

    /// What a poll did that ended since the last look.
    async fn next_poll(&mut self) -> anyhow::Result<Option<Value>> {
        let mut connection = self.api.get(&self.connection).await?;
        let poll = connection["presence"]["last_poll"].take();
        if poll.is_null() || poll["began_at"] == self.last_poll["began_at"] {
            return Ok(None);
        }
        self.last_poll = poll.clone();
        Ok(Some(poll))
    }

    /// One line: the time in the tenant, and whose extensions moved since the last line.
    async fn tell(&mut self, poll: &Value) -> anyhow::Result<()> {
        let shown = self.shown();
        let moved: Vec<(&str, &str, &str)> = shown
            .iter()
            .filter_map(|(number, now)| {
                let before = self.told.get(number).copied()?;
                (before != *now).then_some((number.as_str(), before, *now))
            })
            .collect();
        let path = format!("{}/bindings?kind=user", self.connection);
        let bindings = self.api.all(&path).await?;
        let failed = number(poll, "/failed");
        println!("{}", report::presences(self.minute, &moved, &bindings, failed));
        self.told = shown;
        Ok(())
    }

    fn shown(&self) -> BTreeMap<String, &'static str> {
        let extensions = self.pbx.extensions().into_iter();
        extensions
            .map(|extension| (extension.number, extension.presence_status))
            .collect()
    }
}
