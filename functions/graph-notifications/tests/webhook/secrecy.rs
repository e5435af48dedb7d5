//! What is logged: counts, and few lines. Never a secret word, nor anything else a caller wrote.

use std::io;
use std::sync::{Arc, Mutex};

use http::StatusCode;
use shared::domain::subscription::SubscriptionKind;

use crate::harness::{Mood, Watched, World};
use crate::items::{batch, bent, lifecycle, user, word};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Collects everything this thread logs until the guard goes.
    fn collect(&self) -> tracing::subscriber::DefaultGuard {
        let lines = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || lines.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn warnings(&self) -> usize {
        self.text().lines().filter(|line| line.contains("WARN")).count()
    }
}

// case: 8
#[tokio::test]
async fn a_right_word_from_a_foreign_tenant_is_told_in_the_log() {
    let world = World::new().await;
    let lines = Lines::default();
    let guard = lines.collect();
    let foreign = bent(user(1), "tenantId", "44444444-4444-4444-8444-444444444444");
    assert_eq!(world.post(batch(&[foreign])).await, StatusCode::ACCEPTED);
    drop(guard);
    assert_eq!(lines.warnings(), 1, "{}", lines.text());
    assert!(lines.text().contains("foreign=1"), "{}", lines.text());
}

// case: 17
#[tokio::test]
async fn a_flood_of_forged_words_asks_nobody_and_hardly_fills_the_log() {
    let watched = Watched::new(Mood::Panics);
    let lines = Lines::default();
    let guard = lines.collect();
    let forged = batch(&[bent(user(1), "clientState", "A".repeat(88))]);
    for _ in 0..5_000 {
        assert_eq!(watched.post(forged.clone()).await.status, StatusCode::ACCEPTED);
    }
    drop(guard);
    assert_eq!((watched.calls(), watched.tally().forged), (0, 5_000));
    assert_eq!(lines.warnings(), 1, "{}", lines.text());
}

// case: 63
#[tokio::test]
async fn no_log_line_holds_a_secret_word_or_what_a_caller_wrote() {
    let lines = Lines::default();
    let guard = lines.collect();
    let items = [
        user(1),
        user(9),
        lifecycle("canary"),
        lifecycle("reauthorizationRequired"),
        bent(user(1), "clientState", "canary"),
        bent(user(1), "resource", "canary"),
        bent(user(1), "tenantId", "canary"),
    ];
    for mood in [Mood::Works, Mood::Fails, Mood::Hangs, Mood::Panics] {
        let watched = Watched::new(mood);
        watched.post(batch(&items)).await;
        watched.post("canary").await;
    }
    World::new().await.post(batch(&items)).await;
    drop(guard);
    let text = lines.text();
    assert!(text.contains("notifications were refused"));
    for secret in ["canary", &word(SubscriptionKind::Users)[40..]] {
        assert!(!text.contains(secret), "{text}");
    }
}
