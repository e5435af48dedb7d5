//! No secret that comes in is found in anything that goes out.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::Method;
use serde_json::json;
use shared::ports::{ShutProblem, SignInProblem};
use tracing_subscriber::fmt::MakeWriter;

use crate::harness::{Call, World, new_connection, path};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn calls() -> Vec<Call> {
    let mut good = new_connection();
    good["client_secret"] = json!("canary-client");
    good["pbx"]["client_secret"] = json!("canary-pbx");
    good["pbx"]["linkus_sdk"] = json!({"access_id": "id", "access_key": "canary-key"});
    let mut wrong_type = good.clone();
    wrong_type["client_secret"] = json!(["canary-list"]);
    wrong_type["pbx"]["client_secret"] = json!({"canary-object": "canary-inner"});
    let mut wrong_place = good.clone();
    wrong_place["name"] = json!({"secret": "canary-name"});
    let connections = "/api/v1/connections";
    vec![
        Call::post(connections, &good),
        Call::post(connections, &wrong_type),
        Call::post(connections, &wrong_place),
        Call::new(Method::POST, connections).text("application/json", "{\"client_secret\": \"canary-cut"),
        Call::post(path("/client-secret"), &json!({"client_secret": "canary-next"})),
        Call::post(
            path("/client-secret"),
            &json!({"client_secret": "x", "expires_at": "canary-date"}),
        ),
        Call::new(Method::PATCH, path("")).json(&json!({"pbx": {"client_secret": "canary-patch"}})),
        Call::anonymous(Method::GET, path("")).header("authorization", "Bearer canary-token"),
        Call::anonymous(Method::GET, path("")).header("cookie", "session=canary-cookie"),
        Call::new(Method::PUT, path("/settings"))
            .header("if-match", "\"1\"")
            .json(&json!({"schedule": {"time": "canary-time"}, "safety": {"max_removals": "canary-number"}})),
        Call::get(path("/history?from=canary-instant")),
        Call::get(path("/sync-runs?cursor=canary-cursor")),
    ]
}

// case: 63
#[tokio::test]
async fn canaries_in_every_input_are_in_no_answer_and_no_log() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("error,admin=trace,shared=trace")
        .with_writer(lines.clone())
        .finish();
    // For the whole program: a subscriber of one thread misses lines whose first writer was another thread.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let world = World::connected().await;
    let moods: [(Option<SignInProblem>, Option<ShutProblem>, bool); 3] = [
        (None, None, false),
        (
            Some(SignInProblem::WrongSecret),
            Some(ShutProblem::WrongCredentials),
            false,
        ),
        (None, None, true),
    ];
    let own = |lines: &str| {
        let ours = |line: &&str| line.contains("admin") || line.contains("shared") || line.contains("ERROR");
        lines.lines().filter(ours).collect::<Vec<_>>().join("\n")
    };
    for (sign_in, shut, graph_down) in moods {
        {
            let mut script = world.sides.script();
            script.sign_in = sign_in;
            script.shut = shut;
            script.graph_down = graph_down;
        }
        for call in calls() {
            let answer = world.call(call).await;
            assert!(!answer.text.contains("canary"), "{}", answer.text);
            assert!(!format!("{:?}", answer.headers).contains("canary"));
        }
    }
    let written = own(&lines.text());
    assert!(
        written.contains("a PBX under test did not pass"),
        "the log was read"
    );
    assert!(!written.contains("canary"), "{written}");
}
