//! The resource-unit limits: token buckets that refill steadily. Refused calls are charged too, so a client
//! that keeps hammering stays refused.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::answer::{Answer, ApiError};
use super::behaviour::{RetryAfterForm, ThrottlePolicy};
use super::context::Caller;

/// Share of the limit in use from which the service warns.
const WARNING: f64 = 0.8;
/// How far above its limit a bucket can be drawn: the highest share that is ever reported is 1.8.
const OVERDRAFT: f64 = 0.8;

struct Bucket {
    used: f64,
    at: Timestamp,
}

#[derive(Clone, Copy)]
struct Limit {
    units: f64,
    seconds: f64,
}

const ALL_TENANTS: Limit = Limit {
    units: 150_000.0,
    seconds: 20.0,
};

/// Of the calls for presence, by app and tenant.
const PRESENCE: Limit = Limit {
    units: 1_500.0,
    seconds: 30.0,
};

#[derive(Default)]
pub struct Throttle {
    buckets: BTreeMap<(String, Option<String>), Bucket>,
}

/// What one call was charged and how full the fuller of its buckets is.
#[derive(Clone, Copy, Debug)]
pub struct Charge {
    units: i32,
    share: f64,
    /// Seconds to wait, when refused.
    wait: Option<f64>,
}

impl Throttle {
    pub fn charge(
        &mut self,
        policy: &ThrottlePolicy,
        caller: &Caller,
        (units, users): (i32, usize),
        now: Timestamp,
    ) -> Charge {
        let mut charge = Charge {
            units,
            share: 0.0,
            wait: None,
        };
        if !policy.enabled {
            return charge;
        }
        let keys = [
            (Some(caller.tenant.clone()), tenant_limit(users)),
            (None, ALL_TENANTS),
        ];
        for (tenant, limit) in keys {
            let limit = Limit {
                units: (limit.units * policy.scale).max(1.0),
                ..limit
            };
            let bucket = self
                .buckets
                .entry((caller.app.clone(), tenant))
                .or_insert(Bucket { used: 0.0, at: now });
            let (share, wait) = bucket.draw(limit, f64::from(units), now);
            charge.share = charge.share.max(share);
            if wait.is_some_and(|wait| charge.wait.is_none_or(|known| wait > known)) {
                charge.wait = wait;
            }
        }
        charge
    }
}

impl Throttle {
    /// A call for presence is charged as one, to a bucket of its own.
    pub fn charge_presence(&mut self, policy: &ThrottlePolicy, caller: &Caller, now: Timestamp) -> Charge {
        let mut charge = Charge {
            units: 1,
            share: 0.0,
            wait: None,
        };
        if !policy.enabled {
            return charge;
        }
        let limit = Limit {
            units: (PRESENCE.units * policy.scale).max(1.0),
            ..PRESENCE
        };
        let key = (caller.app.clone(), Some(format!("presence of {}", caller.tenant)));
        let bucket = self.buckets.entry(key).or_insert(Bucket { used: 0.0, at: now });
        (charge.share, charge.wait) = bucket.draw(limit, 1.0, now);
        charge
    }
}

impl Bucket {
    fn draw(&mut self, limit: Limit, units: f64, now: Timestamp) -> (f64, Option<f64>) {
        let rate = limit.units / limit.seconds;
        let passed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.at = now;
        self.used = (self.used - passed * rate).max(0.0) + units;
        let over = self.used - limit.units;
        let wait = (over > 0.0).then(|| over / rate);
        self.used = self.used.min(limit.units * (1.0 + OVERDRAFT));
        (self.used / limit.units, wait)
    }
}

fn tenant_limit(users: usize) -> Limit {
    let units = match users {
        0..=50 => 3_500.0,
        51..=500 => 5_000.0,
        _ => 8_000.0,
    };
    Limit { units, seconds: 10.0 }
}

impl Charge {
    /// Of a call to another service.
    pub fn none() -> Self {
        Self {
            units: 0,
            share: 0.0,
            wait: None,
        }
    }

    pub fn refusal(&self, policy: &ThrottlePolicy, caller: &Caller) -> Option<ApiError> {
        let wait = self.wait?;
        let error = ApiError::new(429, "TooManyRequests", "Too many requests")
            .header(
                "x-ms-throttle-scope",
                format!("Tenant_Application/ReadWrite/{}/{}", caller.app, caller.tenant),
            )
            .header("x-ms-throttle-information", "ResourceUnitLimitExceeded");
        Some(match policy.retry_after {
            RetryAfterForm::Integer => error.header("Retry-After", format!("{:.0}", wait.ceil().max(1.0))),
            RetryAfterForm::Fractional => error.header("Retry-After", format!("{:.3}", wait.max(0.001))),
            RetryAfterForm::Absent => error,
        })
    }

    pub fn describe(&self, answer: Answer) -> Answer {
        let answer = answer.header("x-ms-resource-unit", self.units.to_string());
        if self.share >= WARNING {
            answer.header("x-ms-throttle-limit-percentage", format!("{:.2}", self.share))
        } else {
            answer
        }
    }
}
