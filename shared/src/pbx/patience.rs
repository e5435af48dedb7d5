//! Whether one call is tried again, and after how long. Only what certainly was not carried out, or changes
//! nothing, is tried again.

use std::time::Duration;

use super::error::{Effect, Fault, code};

/// A long job keeps the PBX busy for minutes; six tries in about two of them.
const BUSY_WAITS: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(6),
    Duration::from_secs(15),
    Duration::from_secs(32),
    Duration::from_mins(1),
];

/// A hiccup of the network or the PBX is over in seconds or not at all.
const HICCUP_WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

/// The patience left for one call.
#[derive(Debug, Default)]
pub(super) struct Patience {
    busy: usize,
    hiccups: usize,
}

impl Patience {
    /// How long to wait before the next try; `None` ends it.
    pub(super) fn wait_after(&mut self, fault: &Fault, effect: Effect) -> Option<Duration> {
        let (waits, used) = match fault {
            Fault::Refused(refusal) if refusal.code == code::BUSY => (&BUSY_WAITS[..], &mut self.busy),
            Fault::NotSent(_) => (&HICCUP_WAITS[..], &mut self.hiccups),
            Fault::Lost(_) if effect == Effect::Read => (&HICCUP_WAITS[..], &mut self.hiccups),
            Fault::Refused(refusal) if refusal.code == code::INTERNAL && effect == Effect::Read => {
                (&HICCUP_WAITS[..], &mut self.hiccups)
            }
            _ => return None,
        };
        let wait = waits.get(*used).copied()?;
        *used += 1;
        Some(spread(wait))
    }
}

/// Up to a quarter more, so that callers turned away together do not come back together.
fn spread(wait: Duration) -> Duration {
    wait.mul_f64(1.0 + rand::random::<f64>() / 4.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pbx::error::Refusal;
    use crate::pbx::wire::decode;

    fn refused(code: i64) -> Fault {
        Fault::Refused(Refusal::of(
            &decode(json!({ "errcode": code }).to_string().as_bytes()).unwrap(),
        ))
    }

    fn tries(fault: &Fault, effect: Effect) -> (usize, Duration) {
        let mut patience = Patience::default();
        let waits: Vec<Duration> = std::iter::from_fn(|| patience.wait_after(fault, effect)).collect();
        (waits.len() + 1, waits.into_iter().sum())
    }

    #[test]
    fn a_busy_pbx_is_asked_six_times_in_about_two_minutes() {
        for effect in [Effect::Read, Effect::Write] {
            let (count, waited) = tries(&refused(70082), effect);
            assert_eq!(count, 6);
            assert!((110..=150).contains(&waited.as_secs()), "{waited:?}");
        }
    }

    #[test]
    fn a_write_that_may_have_been_carried_out_is_never_repeated() {
        for fault in [
            Fault::Lost("cut".into()),
            refused(-2),
            Fault::Garbled(String::new()),
            refused(1),
        ] {
            assert_eq!(tries(&fault, Effect::Write).0, 1, "{fault:?}");
        }
    }

    #[test]
    fn reads_are_repeated_a_few_times_and_refusals_never() {
        assert_eq!(tries(&Fault::Lost("cut".into()), Effect::Read).0, 3);
        assert_eq!(tries(&refused(-2), Effect::Read).0, 3);
        for code in [40002, 40003, 10001, 10004, 99999] {
            assert_eq!(tries(&refused(code), Effect::Read).0, 1, "{code}");
        }
    }
}
