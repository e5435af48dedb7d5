//! What the log tells of a panic: where it happened, and what it said if those words stand in the program. A message that was
//! put together while the program ran may hold anything: a name, an answer of the PBX, a secret.

use std::any::Any;
use std::panic::{PanicHookInfo, set_hook};

/// From now on a panic is a line of the log, where it would be a text on standard error.
pub(super) fn log_panics() {
    set_hook(Box::new(tell));
}

fn tell(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    tracing::error!(
        panic.place = place,
        panic.message = fixed(panic.payload()),
        "a panic"
    );
}

/// Words that stand in the program. Those that were put together are a `String`.
fn fixed(payload: &dyn Any) -> Option<&'static str> {
    payload.downcast_ref().copied()
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn words_of_the_program_are_told_and_those_put_together_are_not() {
        let said = |payload: Box<dyn Any + Send>| fixed(&*payload);
        let one_part = catch_unwind(|| panic!("the clock stands before 1970")).unwrap_err();
        assert_eq!(said(one_part), Some("the clock stands before 1970"));
        let name = std::hint::black_box("canary".to_owned());
        let put_together = catch_unwind(|| panic!("no extension for {name}")).unwrap_err();
        assert_eq!(said(put_together), None);
    }
}
