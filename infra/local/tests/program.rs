//! The program as its users start it: its own processes, real signals, loopback only.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// For its owner alone, as a data directory has to be.
fn own_folder() -> TempDir {
    let closed = Permissions::from_mode(0o700);
    tempfile::Builder::new().permissions(closed).tempdir().unwrap()
}

fn connector(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connector"));
    command
        .env_clear()
        .env("CONNECTOR_DATA_DIR", data_dir)
        .env("CONNECTOR_LISTEN", "127.0.0.1:0")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// A process that serves; killed when dropped, whatever a test thinks of it.
struct Serving {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Serving {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Reads on until a line holds `text`; returns everything read.
    fn read_until(&mut self, text: &str) -> String {
        let mut read = String::new();
        while !read.contains(text) {
            let length = self.output.read_line(&mut read).unwrap();
            assert!(length > 0, "ended before {text:?}: {read}{}", self.errors());
        }
        read
    }

    fn errors(&mut self) -> String {
        let mut errors = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut errors).unwrap();
        }
        errors
    }

    /// Sends the signal and returns the exit code.
    fn stop(mut self, signal: &str) -> (Option<i32>, Duration) {
        let asked = Instant::now();
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        let code = self.child.wait().unwrap().code();
        (code, asked.elapsed())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(command: &mut Command) -> (Output, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

fn origin(printed: &str) -> String {
    let start = printed.find("http://").unwrap();
    printed[start..].split_whitespace().next().unwrap().to_owned()
}

async fn status(origin: &str, token: &str) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .get(format!("{origin}/api/v1/connections"))
        .bearer_auth(token);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn serve_takes_tokens_made_before_and_while_it_runs_and_ends_well_on_sigterm() {
    let folder = own_folder();
    let create = || {
        let mut command = connector(folder.path());
        command.args(["token", "create", "--role", "viewer"]);
        run(&mut command)
    };
    let (made_before, token_before, errors) = create();
    assert!(made_before.status.success(), "{errors}");

    let mut serving = Serving::start(connector(folder.path()).arg("serve"));
    let printed = serving.read_until("token create");
    let origin = origin(&printed);
    let (made_now, token_now, errors) = create();
    assert!(made_now.status.success(), "{errors}");
    assert_ne!(token_before, token_now);
    for token in [token_before.trim(), token_now.trim()] {
        assert_eq!(status(&origin, token).await, 200);
    }
    assert_eq!(status(&origin, "yc_wrong").await, 401);

    let (second, _, errors) = run(connector(folder.path()).arg("serve"));
    assert!(!second.status.success());
    assert!(
        errors.contains("another connector is using the data directory"),
        "{errors}"
    );

    let (code, took) = serving.stop("-TERM");
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(!folder.path().join("table.json").exists());
}

#[tokio::test]
async fn the_table_of_serve_is_for_its_owner_alone() {
    let folder = own_folder();
    let mut serving = Serving::start(connector(folder.path()).arg("serve"));
    serving.read_until("token create");
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
        files += 1;
    }
    // The table and the two files beside it, the key, the lock, and where the table is.
    assert_eq!(files, 6);

    let announced = std::fs::read(folder.path().join("table.json")).unwrap();
    let announced: serde_json::Value = serde_json::from_slice(&announced).unwrap();
    let text = |name: &str| announced[name].as_str().unwrap().to_owned();
    let planted = || {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let item = serde_json::json!({"pk": {"S": "planted"}, "sk": {"S": "planted"}});
        client
            .post(text("endpoint"))
            .header("x-amz-target", "DynamoDB_20120810.PutItem")
            .header("content-type", "application/x-amz-json-1.0")
            .body(serde_json::json!({"TableName": text("table"), "Item": item}).to_string())
    };
    let keyed = || planted().header("x-amz-security-token", text("access_key"));
    for (attempt, refused) in [
        (planted(), 400),
        (planted().header("x-amz-security-token", "local"), 400),
        (keyed().header("origin", "https://example.com"), 403),
        (keyed().header("host", "example.com"), 403),
    ] {
        assert_eq!(attempt.send().await.unwrap().status(), refused);
    }
    assert_eq!(keyed().send().await.unwrap().status(), 200);
    assert_eq!(serving.stop("-TERM").0, Some(0));
}

#[test]
fn a_data_directory_that_others_may_enter_is_refused() {
    let folder = own_folder();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    for arguments in [&["serve"][..], &["token", "create", "--role", "admin"]] {
        let (refused, printed, errors) = run(connector(folder.path()).args(arguments));
        assert!(!refused.status.success() && printed.is_empty(), "{printed}");
        assert!(errors.contains("chmod 700"), "{errors}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn wrong_settings_are_told_together_and_end_with_78() {
    let folder = own_folder();
    let mut command = connector(folder.path());
    let wrong = command
        .arg("serve")
        .env("CONNECTOR_LISTEN", "canary")
        .env("GRAPH_BASE_URL", "http://canary.example.com")
        .env("LOG_FORMAT", "canary");
    let (output, _, errors) = run(wrong);
    assert_eq!(output.status.code(), Some(78));
    for name in ["CONNECTOR_LISTEN", "GRAPH_BASE_URL", "LOG_FORMAT"] {
        assert!(errors.contains(name), "{name}: {errors}");
    }
    assert!(!errors.contains("canary"), "{errors}");
}

#[test]
fn a_token_can_be_printed_as_json() {
    let folder = own_folder();
    let mut command = connector(folder.path());
    command.args(["token", "create", "--role", "operator", "--name", "ci", "--json"]);
    let (_, printed, errors) = run(&mut command);
    let made: serde_json::Value = serde_json::from_str(&printed).expect(&errors);
    assert_eq!((&made["role"], &made["name"]), (&"operator".into(), &"ci".into()));
    assert!(made["token"].as_str().unwrap().len() > 40);
}

#[test]
fn simulators_print_how_to_reach_them_and_stop_on_sigint() {
    let folder = own_folder();
    for (side, wanted) in [("graph", "client_secret="), ("pbx", "client_secret=")] {
        let mut command = connector(folder.path());
        let mut serving =
            Serving::start(command.args(["simulate", side, "--listen", "127.0.0.1:0", "--users", "3"]));
        let printed = serving.read_until(wanted);
        assert!(printed.contains("http://127.0.0.1:"), "{printed}");
        assert_eq!(serving.stop("-INT").0, Some(0), "{side}");
    }
}

#[tokio::test]
async fn the_demo_shows_a_plan_runs_it_finds_nothing_more_to_do_and_keeps_serving() {
    let folder = own_folder();
    let mut demo = Serving::start(&mut connector(folder.path()));
    let printed = demo.read_until("curl");
    for wanted in [
        "Plan of the first run",
        "| create",
        "2000",
        "First run",
        "created",
        "taken over",
        "Second run",
        "nothing to do",
    ] {
        assert!(printed.contains(wanted), "{wanted}:\n{printed}");
    }
    assert!(!printed.contains('\u{1b}'));
    let token = printed
        .lines()
        .find_map(|line| line.trim().strip_prefix("Token"))
        .unwrap();
    let api = printed
        .lines()
        .find_map(|line| line.trim().strip_prefix("API"))
        .unwrap();
    let origin = api.trim().trim_end_matches("/api/v1/connections").to_owned();
    assert_eq!(status(&origin, token.trim()).await, 200);
    let (code, took) = demo.stop("-INT");
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
