//! What a sign-in to Linkus takes of the processor, in a process that holds the function alone; Microsoft, the PBX, the
//! table and the person at the browser are in this one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use shared::domain::connection::LinkusSdkCredentials;
use shared::domain::ids::ConnectionId;
use shared::settings::{LocalMode, LocalSettings, Vars};
use shared::sso::{challenge_of, random_word};
use sso_exchange::{SsoState, router};
use tower::ServiceExt as _;
use url::Url;
use web::Door;

use crate::connector::Addresses;
use crate::memory::cpu_seconds;
use crate::row::{Goal, float, median, remark, row};
use crate::stage::{APP, Stage, TENANT};

/// The word that makes this binary the function.
pub const AS_SIGN_IN: &str = "as-sign-in";
/// The first ones fetch keys, open connections and get a token of the PBX.
const COLD: usize = 3;
const WARM: usize = 100;
const ORIGIN: &str = "https://connector.example.com";
const APPLICATION: &str = "https://linkus.example.com/signed-in";
/// An answer of the function takes a few kilobytes.
const LARGEST: usize = 64 * 1024;

/// Signs people in, one after the other.
pub async fn measure() -> anyhow::Result<()> {
    let stage = Stage::in_step(10).await?;
    open(&stage).await?;
    stage.reset();
    let sessions = stage.pbx.sessions();
    let said = {
        let stage = &stage;
        // The simulators answer on other threads of this runtime.
        tokio::task::block_in_place(|| converse(stage))?
    };
    let milliseconds = median(said.iter().skip(COLD).map(|seconds| seconds * 1_000.0).collect());
    row("sign-in, warm: processor, ms", milliseconds, Goal::AtMost(2.0));
    let keys: u64 = stage
        .graph
        .request_counts()
        .iter()
        .filter(|(path, _)| path.contains("/discovery/"))
        .map(|(_, count)| *count)
        .sum();
    row("  keys fetched, cold and warm", float(keys), Goal::AtMost(1.0));
    let more = stage.pbx.sessions().saturating_sub(sessions);
    row(
        "  sessions of the PBX taken",
        float(u64::try_from(more)?),
        Goal::AtMost(2.0),
    );
    let cold = said.first().copied().unwrap_or_default() * 1_000.0;
    remark(&format!("the first one took {cold:.1} ms of processor"));
    Ok(())
}

/// Lets people sign in.
async fn open(stage: &Stage) -> anyhow::Result<()> {
    let uri = format!("{ORIGIN}/sso/callback");
    stage.graph.add_redirect_uri(TENANT, APP, &uri)?;
    let store = &stage.engine.store;
    let stored = store.settings(stage.connection).await?.context("no settings")?;
    let mut settings = stored.value;
    settings.sso.enabled = true;
    settings.sso.redirect_uris = vec![APPLICATION.to_owned()];
    let saved = store.put_settings(stage.connection, &settings, stored.version);
    anyhow::ensure!(saved.await?.is_ok(), "somebody else saved");
    let mut secrets = store.secrets(stage.connection).await?.context("no secrets")?;
    secrets.linkus_sdk = Some(LinkusSdkCredentials {
        access_id: "simulated-access-id".to_owned(),
        access_key: "simulated-access-key".into(),
    });
    store.save_secrets(stage.connection, &secrets).await?;
    Ok(())
}

/// Plays the person: for each address of Microsoft's that the function says, where the browser is sent back to. Answers the
/// processor time of each sign-in, in seconds.
fn converse(stage: &Stage) -> anyhow::Result<Vec<f64>> {
    let mut function = Function::start(stage)?;
    let people = stage.graph.user_ids(TENANT)?;
    let mut seconds = Vec::new();
    for number in 0..COLD + WARM {
        let user = people.get(number % people.len()).context("nobody is there")?;
        let back = stage.graph.approve(&function.hear()?, *user);
        function.say(&back.map_err(anyhow::Error::msg)?)?;
        seconds.push(function.hear()?.parse()?);
    }
    anyhow::ensure!(function.child.wait()?.success(), "the function's process failed");
    Ok(seconds)
}

struct Function {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Function {
    fn start(stage: &Stage) -> anyhow::Result<Self> {
        let addresses = &stage.addresses;
        let mut child = Command::new(std::env::current_exe()?)
            .arg(AS_SIGN_IN)
            .args(addresses.arguments())
            .arg(stage.connection.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Self {
            to: child.stdin.take().context("no way to the function")?,
            from: BufReader::new(child.stdout.take().context("no way from the function")?),
            child,
        })
    }

    fn hear(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        anyhow::ensure!(!line.is_empty(), "the function's process fell silent");
        Ok(line.trim().to_owned())
    }

    fn say(&mut self, line: &str) -> anyhow::Result<()> {
        writeln!(self.to, "{line}")?;
        Ok(self.to.flush()?)
    }
}

/// The process of its own: the function, and of the browser the cookie.
pub async fn as_sign_in(arguments: &[String]) -> anyhow::Result<()> {
    let [table, key, graph, login, connection] = arguments else {
        anyhow::bail!("expected table, its key, Graph, sign-in, and a connection");
    };
    let addresses = Addresses::from_arguments([table, key, graph, login]);
    let engine = addresses.engine()?;
    let vars = Vars::from_iter([("PUBLIC_BASE_URL", ORIGIN)]);
    let origin = LocalSettings::read(&vars, LocalMode::Serve)?.public_base_url;
    let door = Door::of(&engine, &login.parse()?, origin.context("no origin")?)?;
    let sides = Arc::clone(&engine.sides);
    let routes = router(SsoState { door, sides });
    let connection: ConnectionId = connection.parse()?;
    for _ in 0..COLD + WARM {
        println!("{}", sign_in(&routes, connection).await?);
    }
    Ok(())
}

/// One sign-in; answers the processor time it took, without the wait for the person.
async fn sign_in(routes: &Router, connection: ConnectionId) -> anyhow::Result<f64> {
    let verifier = random_word();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("connection", &connection.to_string())
        .append_pair("redirect_uri", APPLICATION)
        .append_pair("code_challenge", &challenge_of(&verifier))
        .append_pair("code_challenge_method", "S256")
        .finish();
    let began = cpu_seconds()?;
    let request = Request::get(format!("/login?{query}")).body(Body::empty())?;
    let sent = routes.clone().oneshot(request).await?;
    let until_microsoft = cpu_seconds()? - began;
    println!("{}", location(&sent)?);
    let mut back = String::new();
    std::io::stdin().read_line(&mut back)?;

    let began = cpu_seconds()?;
    let path = back.trim().strip_prefix(ORIGIN).context("sent back elsewhere")?;
    let request = Request::get(path)
        .header(header::COOKIE, cookie(&sent)?)
        .body(Body::empty())?;
    let landed = location(&routes.clone().oneshot(request).await?)?;
    let code = Url::parse(&landed)?
        .query_pairs()
        .find(|(name, _)| name == "code")
        .map(|(_, code)| code.into_owned());
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", &code.context("no code")?)
        .append_pair("redirect_uri", APPLICATION)
        .append_pair("code_verifier", &verifier)
        .finish();
    let request = Request::post("/sso/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))?;
    let answer = routes.clone().oneshot(request).await?;
    anyhow::ensure!(answer.status() == StatusCode::OK, "answered {}", answer.status());
    to_bytes(answer.into_body(), LARGEST).await?;
    Ok(until_microsoft + cpu_seconds()? - began)
}

fn location(answer: &Response<Body>) -> anyhow::Result<String> {
    let place = answer.headers().get(header::LOCATION);
    let place = place.with_context(|| format!("answered {}", answer.status()))?;
    Ok(place.to_str()?.to_owned())
}

fn cookie(answer: &Response<Body>) -> anyhow::Result<String> {
    let set = answer.headers().get(header::SET_COOKIE).context("no cookie")?;
    let pair = set.to_str()?.split(';').next().context("an empty cookie")?;
    Ok(pair.to_owned())
}
