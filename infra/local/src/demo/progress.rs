//! How far a run is: a bar in a terminal, plain lines anywhere else.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

/// Shows one run.
pub enum Progress {
    /// In a terminal.
    Bar(ProgressBar),
    /// Elsewhere: a line for each new state.
    Lines { last: String },
}

impl Progress {
    /// For where standard output goes.
    pub fn new() -> Self {
        if !io::stdout().is_terminal() {
            return Self::Lines { last: String::new() };
        }
        let bar = ProgressBar::new(0);
        let template = "  {msg:10} [{bar:40}] {pos}/{len}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self::Bar(bar)
    }

    /// Takes in what the API says of the run.
    pub fn show(&mut self, run: &Value) {
        let state = run["state"].as_str().unwrap_or_default();
        let (done, total) = (number(run, "/progress/done"), number(run, "/progress/total"));
        match self {
            Self::Bar(bar) => {
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(state.to_owned());
            }
            Self::Lines { last } if last != state => {
                println!("  {state} {done}/{total}");
                state.clone_into(last);
            }
            Self::Lines { .. } => {}
        }
    }

    /// Clears the bar away.
    pub fn finish(self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// A count in an answer of the API; one that is not there counts nothing.
pub fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}
