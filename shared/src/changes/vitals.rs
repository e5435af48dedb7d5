//! How a connection is doing, in numbers for alarms: one log line each time it is attended to. It holds ids and numbers,
//! nothing of the tenant.

use jiff::Timestamp;

use crate::domain::connection::Connection;
use crate::metrics::CONNECTIONS;
use crate::store::{Watch, WorkState};

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;

/// What an alarm can be set on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Vitals {
    /// Since the last run that ended well, or since the connection was made.
    hours_since_good_run: f64,
    /// Until the first subscription ends; none: there is no subscription.
    subscription_ends_in_hours: Option<f64>,
    /// Until the client secret ends; none: that is not known.
    secret_ends_in_days: Option<f64>,
    /// Plans that wait for a person: one or none.
    held_plans: u64,
}

impl Vitals {
    /// `work`: with whether a plan waits.
    pub(super) fn of(
        connection: &Connection,
        watch: &Watch,
        (work, waits): (&WorkState, bool),
        now: Timestamp,
    ) -> Self {
        let good_run = work.last_good_run_at.unwrap_or(connection.created_at);
        let first_end = watch.subscriptions.values().map(|known| known.ends_at).min();
        Self {
            hours_since_good_run: seconds(good_run, now) / HOUR,
            subscription_ends_in_hours: first_end.map(|end| seconds(now, end) / HOUR),
            secret_ends_in_days: connection.secret_expires_at.map(|end| seconds(now, end) / DAY),
            held_plans: u64::from(waits),
        }
    }

    pub(super) fn log(&self, connection: &Connection) {
        let Self {
            hours_since_good_run,
            subscription_ends_in_hours,
            secret_ends_in_days,
            held_plans,
        } = *self;
        tracing::info!(
            target: CONNECTIONS.target,
            {
                connection.id = %connection.id,
                hours_since_good_run,
                subscription_ends_in_hours,
                secret_ends_in_days,
                held_plans,
            },
            "the connection was attended to"
        );
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::changes::attend::later;
    use crate::changes::attend::tests::connection;
    use crate::testing::logs::{Logs, all_metrics_of, metrics_of};

    #[test]
    fn times_are_counted_from_now_and_what_is_not_known_is_left_out() {
        let now = later(Timestamp::UNIX_EPOCH, Duration::from_hours(48));
        let mut connection = connection();
        let watch = Watch::idle(connection.tenant, now);
        let mut work = WorkState::default();
        let vitals = Vitals::of(&connection, &watch, (&work, false), now);
        assert_eq!(
            vitals,
            Vitals {
                hours_since_good_run: 48.0,
                subscription_ends_in_hours: None,
                secret_ends_in_days: None,
                held_plans: 0,
            }
        );
        connection.secret_expires_at = Some(later(now, Duration::from_hours(24 * 14)));
        work.last_good_run_at = Some(later(Timestamp::UNIX_EPOCH, Duration::from_hours(47)));
        let vitals = Vitals::of(&connection, &watch, (&work, true), now);
        assert_eq!(
            (
                vitals.hours_since_good_run,
                vitals.secret_ends_in_days,
                vitals.held_plans
            ),
            (1.0, Some(14.0), 1)
        );
    }

    #[test]
    fn what_has_ended_counts_below_zero() {
        let now = later(Timestamp::UNIX_EPOCH, Duration::from_hours(48));
        let mut connection = connection();
        connection.secret_expires_at = Some(Timestamp::UNIX_EPOCH);
        let watch = Watch::idle(connection.tenant, now);
        let vitals = Vitals::of(&connection, &watch, (&WorkState::default(), false), now);
        assert_eq!(vitals.secret_ends_in_days, Some(-2.0));
    }

    #[test]
    fn alarms_read_what_is_known_and_no_zero_for_what_is_not() {
        let logs = Logs::of_function("stack-scheduler");
        let vitals = Vitals {
            hours_since_good_run: 1.5,
            subscription_ends_in_hours: Some(20.0),
            secret_ends_in_days: Some(-2.0),
            held_plans: 1,
        };
        vitals.log(&connection());
        let line = logs.line("the connection was attended to");
        let metrics = all_metrics_of(&CONNECTIONS, &line);
        assert_eq!(
            (metrics["hours_since_good_run"], metrics["secret_ends_in_days"]),
            (1.5, -2.0)
        );
        drop(logs);

        let logs = Logs::of_function("stack-scheduler");
        let vitals = Vitals {
            subscription_ends_in_hours: None,
            secret_ends_in_days: None,
            ..vitals
        };
        vitals.log(&connection());
        let metrics = metrics_of(&CONNECTIONS, &logs.line("the connection was attended to"));
        let names: Vec<&str> = metrics.keys().map(String::as_str).collect();
        assert_eq!(names, ["held_plans", "hours_since_good_run"]);
    }
}
