//! One fixed window of a provider, counted as the provider counts it.

/// A provider's fixed window: `limit` calls in each `length_ms`, aligned to the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowRule {
    /// Calls that the provider allows in one window.
    pub limit: u32,
    /// Length of the window; quarter hours and UTC days are aligned to the epoch.
    pub length_ms: i64,
}

/// What was spent in the current window.
///
/// `used` is what we count: our own grants, or what the provider reported if that is more. `floor` is what the
/// provider's last answer proves: giving leased calls back never goes below it.
#[derive(Clone, Debug)]
pub(crate) struct WindowState {
    start_ms: i64,
    limit: u32,
    used: u64,
    floor: u64,
    leased: u64,
    in_flight: u64,
    in_flight_before: u64,
    is_lost: bool,
}

impl WindowState {
    pub(crate) fn new(rule: WindowRule) -> Self {
        Self {
            start_ms: i64::MIN,
            limit: rule.limit,
            used: 0,
            floor: 0,
            leased: 0,
            in_flight: 0,
            in_flight_before: 0,
            is_lost: false,
        }
    }

    /// Moves to the window of `now_ms`; a clock that steps back stays in the newest window seen.
    ///
    /// Calls still in flight reach the provider in the new window, so they open its count.
    pub(crate) fn roll(&mut self, rule: WindowRule, now_ms: i64) {
        let start_ms = now_ms.div_euclid(rule.length_ms) * rule.length_ms;
        if start_ms <= self.start_ms {
            return;
        }
        let is_next = start_ms == self.start_ms.saturating_add(rule.length_ms);
        self.in_flight_before = if is_next { self.in_flight } else { 0 };
        self.start_ms = start_ms;
        self.used = self.in_flight_before;
        self.floor = self.in_flight_before;
        self.leased = 0;
        self.in_flight = 0;
        self.is_lost = false;
    }

    pub(crate) fn end_ms(&self, rule: WindowRule) -> i64 {
        self.start_ms.saturating_add(rule.length_ms)
    }

    /// Returns how many more calls a caller may take who must leave `reserve_per_mille` of the limit.
    pub(crate) fn left(&self, reserve_per_mille: u32) -> u64 {
        if self.is_lost {
            return 0;
        }
        usable(self.limit, reserve_per_mille).saturating_sub(self.used)
    }

    pub(crate) fn take(&mut self, cost: u64, is_tracked: bool) {
        self.used += cost;
        self.floor += cost;
        if is_tracked {
            self.in_flight += cost;
        }
    }

    pub(crate) fn lease(&mut self, count: u64) {
        self.used += count;
        self.leased += count;
    }

    pub(crate) fn give_back(&mut self, count: u64, leased_ms: i64) {
        if leased_ms >= self.start_ms {
            let count = count.min(self.leased);
            self.leased -= count;
            self.used = self.used.saturating_sub(count).max(self.floor);
        }
    }

    pub(crate) fn finish(&mut self, cost: u64, granted_ms: i64) {
        if granted_ms >= self.start_ms {
            self.in_flight = self.in_flight.saturating_sub(cost);
        } else {
            self.in_flight_before = self.in_flight_before.saturating_sub(cost);
        }
    }

    /// Takes over what the provider says.
    ///
    /// Calls in flight may not be in its number yet and are added. When it reports more than we granted, others spend
    /// too, and leased calls may all be still to come.
    pub(crate) fn observe(&mut self, used: u32, limit: u32) {
        let reported = u64::from(used);
        let pending = self.in_flight + self.in_flight_before;
        let leased = if reported > self.used { self.leased } else { 0 };
        let proven = reported + pending;
        self.used = if self.is_lost { proven + self.leased } else { self.used.max(proven + leased) };
        self.floor = proven;
        self.limit = limit;
        self.is_lost = false;
    }

    pub(crate) fn mark_lost(&mut self) {
        self.is_lost = true;
    }

    /// Returns when nothing of this window needs remembering any more.
    pub(crate) fn free_at_ms(&self, rule: WindowRule) -> i64 {
        if self.used > 0 || self.is_lost || self.in_flight > 0 { self.end_ms(rule) } else { i64::MIN }
    }
}

/// Returns `limit` less the reserve, rounded so that the reserve is never short.
pub(crate) fn usable(limit: u32, reserve_per_mille: u32) -> u64 {
    let reserve = (u64::from(limit) * u64::from(reserve_per_mille)).div_ceil(1000);
    u64::from(limit) - reserve
}
