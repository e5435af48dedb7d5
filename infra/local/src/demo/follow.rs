//! What happens after the tour: a person of the simulated tenant changes, and every run that follows is told in the terminal.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use simulators::graph::{DEMO_TENANT_ID, Graph};

use super::api::Api;
use super::report;

/// Between two looks at the runs.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Longer than a change may take in the demo.
const AT_MOST: u32 = 120;

/// Tells of runs as they end.
pub struct Follower<'a> {
    api: &'a Api,
    runs: String,
    told: BTreeSet<String>,
}

impl<'a> Follower<'a> {
    /// Of this connection; the runs so far are told already.
    pub async fn new(api: &'a Api, connection: &str) -> anyhow::Result<Self> {
        let mut follower = Self {
            api,
            runs: format!("{connection}/sync-runs"),
            told: BTreeSet::new(),
        };
        follower.ended().await?;
        Ok(follower)
    }

    /// Changes a person in the tenant and waits until their extension has followed.
    pub async fn show_a_change(&mut self, cloud: &Graph) -> anyhow::Result<()> {
        let (name, title) = ("Emily Carter", "Head of Sales Operations");
        let id = cloud
            .user_ids(DEMO_TENANT_ID)?
            .into_iter()
            .find(|id| {
                let user = cloud.user(DEMO_TENANT_ID, *id).ok().flatten();
                user.is_some_and(|user| user["displayName"] == name)
            })
            .context("the demo tenant lost one of its people")?;
        cloud.update_user(DEMO_TENANT_ID, id, &json!({ "jobTitle": title }))?;
        println!("\nIn the tenant {name} becomes {title}; nobody starts a run");
        for _ in 0..AT_MOST {
            let ended = self.ended().await?;
            self.tell(&ended).await?;
            if !ended.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!("the change did not reach the PBX")
    }

    /// Tells until it is dropped.
    pub async fn tell_always(mut self) -> anyhow::Result<Infallible> {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let ended = self.ended().await?;
            self.tell(&ended).await?;
        }
    }

    async fn tell(&self, ended: &[Value]) -> anyhow::Result<()> {
        for run in ended {
            let id = run["id"].as_str().context("a run without an id")?;
            let operations = self.api.all(&format!("{}/{id}/operations", self.runs)).await?;
            println!("{}", report::ended(run, &operations));
        }
        Ok(())
    }

    /// Runs that ended and were not told, oldest first.
    async fn ended(&mut self) -> anyhow::Result<Vec<Value>> {
        let page = self.api.get(&format!("{}?limit=20", self.runs)).await?;
        let runs = page["items"].as_array().cloned().unwrap_or_default();
        let over = |run: &Value| run["finished_at"].is_string() || run["state"] == "held";
        let mut ended: Vec<Value> = runs.into_iter().filter(over).collect();
        ended.retain(|run| {
            self.told
                .insert(run["id"].as_str().unwrap_or_default().to_owned())
        });
        ended.reverse();
        Ok(ended)
    }
}
