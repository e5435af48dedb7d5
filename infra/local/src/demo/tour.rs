//! What an admin does on the first day: connect, choose who is synced, look at the plan, run it, run it again.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use simulators::graph::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_TENANT_ID};
use simulators::pbx::KeyPair;

use super::api::Api;
use super::progress::Progress;
use super::{mailboxes, report, tenant};
use crate::host::Host;

/// Between two looks at a run.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The tour of one demo.
pub struct Tour {
    pub api: Api,
    pub pbx_address: String,
    pub pbx_credentials: KeyPair,
}

impl Tour {
    /// Takes it from an empty table to a tenant in step; answers the path of the connection.
    pub async fn take(&self, host: &mut Host) -> anyhow::Result<String> {
        println!("Connecting the simulated tenant Northwind Instruments to the simulated PBX");
        let connection = self.connect().await?;
        self.choose_people(&connection).await?;
        host.start_work();
        let plan = self.sync(&connection, true).await?;
        println!("\nPlan of the first run (a dry run; nothing is written):\n");
        println!("{}", report::plan(&self.operations(&connection, &plan).await?));
        println!("\nFirst run");
        let first = self.switch_on(&connection).await?;
        println!("{}", report::objects(&first));
        print!(
            "{}",
            report::exceptions(&self.operations(&connection, &first).await?)
        );
        println!("\nSecond run");
        let second = self.sync(&connection, false).await?;
        let verdict = if report::did_nothing(&second) {
            "nothing to do"
        } else {
            "not yet in step"
        };
        println!("  {verdict}: {}", report::counts(&second));
        Ok(connection)
    }

    async fn connect(&self) -> anyhow::Result<String> {
        let body = json!({
            "name": "Northwind Instruments, Berlin",
            "tenant_id": DEMO_TENANT_ID,
            "client_id": DEMO_CLIENT_ID,
            "client_secret": DEMO_CLIENT_SECRET,
            "pbx": {
                "base_url": self.pbx_address,
                "client_id": self.pbx_credentials.id,
                "client_secret": self.pbx_credentials.secret,
            },
        });
        let made = self.api.post("/connections", Some(&body)).await?;
        ensure!(
            made["status"] == "connected",
            "the connection is {}",
            made["status"]
        );
        let id = made["id"].as_str().context("a connection without an id")?;
        Ok(format!("/connections/{id}"))
    }

    /// The rules are saved before anything is switched on, so that their plan can be looked at first.
    async fn choose_people(&self, connection: &str) -> anyhow::Result<()> {
        let path = format!("{connection}/settings");
        let change = |settings: &mut Value| {
            settings["users"]["scope"] =
                json!({ "kind": "types", "types": ["member"], "only_enabled": true });
            settings["users"]["number"] = json!({ "kind": "automatic", "start": "2000" });
            settings["change_sync"]["max_delay_seconds"] = json!(10);
            settings["schedule"]["time_zone"] = json!("Europe/Berlin");
        };
        self.api.replace(&path, change).await
    }

    /// Switches people, groups and contacts on, which starts the first run by itself, and waits for that run's end.
    async fn switch_on(&self, connection: &str) -> anyhow::Result<Value> {
        let path = format!("{connection}/settings");
        let change = |settings: &mut Value| {
            settings["users"]["enabled"] = json!(true);
            settings["groups"]["enabled"] = json!(true);
            settings["contacts"] = json!({
                "enabled": true,
                "default_country": "DE",
                "personal": { "enabled": true, "acknowledged_visibility": true },
                "shared": { "enabled": true, "mailboxes": mailboxes::shared_mailboxes(tenant::DOMAIN) },
            });
        };
        self.api.replace(&path, change).await?;
        let runs = format!("{connection}/sync-runs");
        let all = self.api.all(&runs).await?;
        let started = all.iter().find(|run| run["trigger"] == "first_save");
        let started = started.context("switching user sync on started no run")?;
        self.watch(&path_of(&runs, started)?).await
    }

    /// Asks for a run and waits for its end.
    async fn sync(&self, connection: &str, dry_run: bool) -> anyhow::Result<Value> {
        let body = json!({ "mode": "full", "dry_run": dry_run });
        let runs = format!("{connection}/sync-runs");
        let asked = self.api.post(&runs, Some(&body)).await?;
        self.watch(&path_of(&runs, &asked)?).await
    }

    async fn watch(&self, run: &str) -> anyhow::Result<Value> {
        let mut progress = Progress::new();
        let run = self.end_of(run, &mut progress).await?;
        progress.finish();
        match run["state"].as_str() {
            Some("failed" | "cancelled") => bail!("the run {}: {}", run["state"], run["error"]),
            _ => Ok(run),
        }
    }

    async fn end_of(&self, run: &str, progress: &mut Progress) -> anyhow::Result<Value> {
        loop {
            let seen = self.api.get(run).await?;
            progress.show(&seen);
            match seen["state"].as_str() {
                Some("queued" | "reading" | "planning" | "applying") => tokio::time::sleep(LOOK_EVERY).await,
                _ => return Ok(seen),
            }
        }
    }

    async fn operations(&self, connection: &str, run: &Value) -> anyhow::Result<Vec<Value>> {
        let id = run["id"].as_str().context("a run without an id")?;
        self.api
            .all(&format!("{connection}/sync-runs/{id}/operations"))
            .await
    }
}

fn path_of(runs: &str, run: &Value) -> anyhow::Result<String> {
    let id = run["id"].as_str().context("a run without an id")?;
    Ok(format!("{runs}/{id}"))
}
