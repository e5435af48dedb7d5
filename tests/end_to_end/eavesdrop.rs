//! Everything that the scenarios of this program log is listened to, at a level that no installation reaches. Whoever hears
//! a secret there fails.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use crate::stage::{ADMIN_TOKEN, SECRET};

/// Of our code everything, of others' what an installation prints.
const LEVELS: &str = "info,shared=trace,admin=trace,sso_exchange=trace,web=trace,full_sync=trace,scheduler=trace,\
    graph_notifications=trace,presence_poll=trace,connector=trace";
/// Every scenario's secrets, and how Microsoft's tokens and private keys begin.
const SECRETS: [&str; 6] = [
    SECRET,
    ADMIN_TOKEN,
    "simulated-client-secret",
    "simulated-access-key",
    "eyJ",
    "PRIVATE KEY",
];

#[derive(Default)]
struct Heard {
    lines: Mutex<String>,
    betrayed: Mutex<BTreeSet<&'static str>>,
}

static HEARD: OnceLock<Heard> = OnceLock::new();

/// Begins to listen, for the whole program; the second time nothing happens.
pub fn listen() {
    HEARD.get_or_init(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(LEVELS)
            .with_ansi(false)
            .with_writer(Ear)
            .finish();
        tracing::subscriber::set_global_default(subscriber).expect("nobody else listens in this program");
        Heard::default()
    });
}

/// What was logged so far, by all scenarios.
pub fn heard() -> String {
    HEARD
        .get()
        .map_or_else(String::new, |heard| lock(&heard.lines).clone())
}

/// Ends a scenario after which a secret was heard, whoever betrayed it.
pub fn nothing_betrayed() {
    let betrayed = HEARD.get().map(|heard| lock(&heard.betrayed).clone());
    let betrayed = betrayed.unwrap_or_default();
    assert!(betrayed.is_empty(), "the log holds {betrayed:?}");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn secrets_in(line: &str) -> impl Iterator<Item = &'static str> {
    SECRETS.into_iter().filter(|secret| line.contains(secret))
}

struct Ear;

impl io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        if let Some(heard) = HEARD.get() {
            lock(&heard.betrayed).extend(secrets_in(&line));
            lock(&heard.lines).push_str(&line);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Ear {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        Self
    }
}

// case: 63
#[test]
fn a_secret_anywhere_in_a_line_is_heard_and_nothing_else_is() {
    for secret in SECRETS {
        let line = format!("INFO a call failed error=\"wrong {secret}.\" connection.id=c1\n");
        assert_eq!(secrets_in(&line).collect::<Vec<_>>(), [secret]);
    }
    assert_eq!(secrets_in("INFO a call failed error=\"wrong secret\"").count(), 0);
}
