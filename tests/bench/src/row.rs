//! One measured figure beside its goal. Printed as it is taken, so that a run that is broken off has said what it knew.

/// How a figure relates to its goal.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// At most this.
    AtMost(f64),
    /// Told without a goal.
    None,
}

/// Prints one line: name, value, goal, verdict.
pub fn row(name: &str, value: f64, goal: Goal) {
    let (goal, verdict) = match goal {
        // What is printed is what is judged: two digits.
        Goal::AtMost(most) if value <= most + 0.005 => (format!("<= {most:.2}"), "ok"),
        Goal::AtMost(most) => (format!("<= {most:.2}"), "over"),
        Goal::None => (String::new(), ""),
    };
    println!("{name:<58} {value:>12.2}  {goal:<12} {verdict}");
}

/// Prints what explains the lines above it.
pub fn remark(text: &str) {
    println!("    {text}");
}

/// The middle one of some durations in seconds, or nothing of none.
pub fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or_default()
}

/// Counts here stay far below what a float holds exactly.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of requests, bytes and microseconds"
)]
pub fn float(count: u64) -> f64 {
    count as f64
}
