//! A smooth rate (generic cell rate algorithm) for providers whose windows slide or are not published.

use crate::errors::InvalidInput;
use crate::window::usable;

const MICROSECONDS_PER_MILLISECOND: i64 = 1_000;

/// At most `limit` calls in any `period_ms`, of which `burst` may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateRule {
    /// Calls in any span of `period_ms`, wherever it begins.
    pub limit: u32,
    /// Length of the span.
    pub period_ms: i64,
    /// Calls that may come at once after a rest; less than `limit`.
    pub burst: u32,
}

impl RateRule {
    /// Returns the time that one call pays for, in microseconds.
    ///
    /// `burst + period / interval <= limit` holds for every span of the period.
    pub(crate) fn interval_us(self) -> Result<i64, InvalidInput> {
        if self.burst == 0 || self.burst >= self.limit {
            return Err(InvalidInput::new("rate.burst must be between 1 and limit - 1"));
        }
        let steady = i64::from(self.limit - self.burst);
        let period_us = self.period_ms * MICROSECONDS_PER_MILLISECOND;
        Ok((period_us + steady - 1) / steady)
    }
}

/// The theoretical arrival time of the next call.
#[derive(Clone, Debug)]
pub(crate) struct RateState {
    arrival_us: i64,
}

impl RateState {
    pub(crate) fn new() -> Self {
        Self { arrival_us: i64::MIN }
    }

    /// Returns 0 when `cost` fits now, else the milliseconds until it does.
    pub(crate) fn wait_ms(&self, cost: u64, reach: Reach, now_ms: i64) -> i64 {
        let present_us = now_ms * MICROSECONDS_PER_MILLISECOND;
        let after_us = self.arrival_us.max(present_us) + units(cost) * reach.interval_us;
        let late_us = after_us - (present_us + reach.burst * reach.interval_us);
        if late_us <= 0 { 0 } else { (late_us + MICROSECONDS_PER_MILLISECOND - 1) / MICROSECONDS_PER_MILLISECOND }
    }

    pub(crate) fn take(&mut self, cost: u64, interval_us: i64, now_ms: i64) {
        let present_us = now_ms * MICROSECONDS_PER_MILLISECOND;
        self.arrival_us = self.arrival_us.max(present_us) + units(cost) * interval_us;
    }

    pub(crate) fn free_at_ms(&self) -> i64 {
        self.arrival_us.div_euclid(MICROSECONDS_PER_MILLISECOND).saturating_add(1)
    }
}

/// How far one priority may go: its share of the burst, and the price of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    pub(crate) burst: i64,
    pub(crate) interval_us: i64,
}

impl Reach {
    pub(crate) fn new(rule: RateRule, interval_us: i64, reserve_per_mille: u32) -> Self {
        Self { burst: units(usable(rule.burst, reserve_per_mille)), interval_us }
    }
}

/// Costs are bounded by the limits, which are 32 bits wide.
fn units(cost: u64) -> i64 {
    i64::try_from(cost).unwrap_or(i64::MAX)
}
