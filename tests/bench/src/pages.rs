//! What a page of the console takes of the server, with ten thousand people bound: from the request to the whole answer,
//! through the real router, over the table as the functions use it.

use std::time::Instant;

use admin::{AdminState, TokenHash, router};
use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use shared::alerts::Outlets;
use shared::settings::{AddressPolicy, LocalMode, LocalSettings, Vars};
use tower::ServiceExt as _;
use web::Door;

use crate::row::{Goal, float, median, remark, row};
use crate::stage::{Stage, TENANT};

const ORIGIN: &str = "https://connector.example.com";
const TOKEN: &str = "yc_bench";
/// Answers of one page.
const TIMES: usize = 21;
/// A list shows a hundred lines; a page that is larger than this shows all of it.
const LARGEST: usize = 512 * 1024;
/// Milliseconds that nobody waits for.
const GOAL: f64 = 50.0;

/// Opens every page again and again.
pub async fn measure(people: usize) -> anyhow::Result<()> {
    let stage = Stage::in_step(people).await?;
    let visit = Visit::begin(&stage).await?;
    let connection = format!("/console/connections/{}", stage.connection);
    let runs = stage.engine.store.runs(stage.connection, 1, None).await?;
    let run = runs.items.first().context("no run")?.id;
    let person = *stage.graph.user_ids(TENANT)?.first().context("nobody")?;
    let second = stage
        .engine
        .store
        .bindings_page(stage.connection, 100, None)
        .await?;
    let second = second.next_cursor.context("one page holds everybody")?;
    let pages = [
        ("the fleet", "/console".to_owned()),
        ("the connection", connection.clone()),
        ("the runs", format!("{connection}/runs")),
        ("a run of everybody", format!("{connection}/runs/{run}")),
        ("the people", format!("{connection}/people")),
        (
            "the people, second page",
            format!("{connection}/people?cursor={second}"),
        ),
        ("people found by a number", format!("{connection}/people?q=10999")),
        (
            "people found by a name",
            format!("{connection}/people?q=person00999"),
        ),
        (
            "a person, both sides asked",
            format!("{connection}/people/{person}"),
        ),
        ("the groups", format!("{connection}/groups")),
        ("the contacts", format!("{connection}/contacts")),
        ("the phonebooks", format!("{connection}/phonebooks")),
        ("the history", format!("{connection}/history")),
        ("the health", format!("{connection}/health")),
        ("the alerts", format!("{connection}/alerts")),
        ("the certificate", format!("{connection}/certificate")),
        ("the access list", format!("{connection}/access")),
        ("the tokens", "/console/tokens".to_owned()),
    ];
    for (name, path) in pages {
        let (milliseconds, bytes) = visit.times(&path).await?;
        row(
            &format!("{name}: server time, ms"),
            milliseconds,
            Goal::AtMost(GOAL),
        );
        remark(&format!("{:.0} KiB", float(u64::try_from(bytes)?) / 1024.0));
    }
    Ok(())
}

/// A browser that is signed in.
struct Visit {
    routes: Router,
    cookie: String,
}

impl Visit {
    async fn begin(stage: &Stage) -> anyhow::Result<Self> {
        let vars = Vars::from_iter([("PUBLIC_BASE_URL", ORIGIN)]);
        let origin = LocalSettings::read(&vars, LocalMode::Serve)?.public_base_url;
        let login = stage.addresses.login.parse()?;
        let routes = router(AdminState {
            engine: stage.engine.clone(),
            alerts: Outlets {
                policy: AddressPolicy::Loopback,
                topic: None,
            },
            bootstrap: Some(TokenHash::of(TOKEN)),
            door: Door::of(&stage.engine, &login, origin.context("no origin")?)?,
        });
        let request = Request::post("/console/sign-in")
            .header(header::ORIGIN, ORIGIN)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("token={TOKEN}")))?;
        let answer = routes.clone().oneshot(request).await?;
        let set = answer.headers().get(header::SET_COOKIE).context("no cookie")?;
        let cookie = set.to_str()?.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { routes, cookie })
    }

    /// The middle of several answers in milliseconds, and how large one is.
    async fn times(&self, path: &str) -> anyhow::Result<(f64, usize)> {
        let mut seconds = Vec::new();
        let mut bytes = 0;
        for _ in 0..TIMES {
            let request = Request::get(path)
                .header(header::COOKIE, &self.cookie)
                .body(Body::empty())?;
            let began = Instant::now();
            let answer = self.routes.clone().oneshot(request).await?;
            anyhow::ensure!(
                answer.status() == StatusCode::OK,
                "{path} answered {}",
                answer.status()
            );
            bytes = to_bytes(answer.into_body(), LARGEST).await?.len();
            seconds.push(began.elapsed().as_secs_f64());
        }
        Ok((median(seconds) * 1_000.0, bytes))
    }
}
