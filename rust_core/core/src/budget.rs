//! The budget of calls to one provider: every fixed window and the smooth rate, under priorities.
//!
//! Calls granted inside every window, as the provider counts it, never exceed the limit less the reserve.

use crate::errors::InvalidInput;
use crate::rate::{RateRule, RateState, Reach};
use crate::window::{WindowRule, WindowState, usable};

const WINDOW_COUNT_MAX: usize = 8;
const LENGTH_MS_MAX: i64 = 366 * 86_400_000;
const NOW_MS_MAX: i64 = 253_402_300_799_999;
const PER_MILLE: u32 = 1_000;

/// Number of priorities; 0 is the highest.
pub const PRIORITY_COUNT: usize = 3;

/// The declared limits of one kind of budget.
#[derive(Clone, Debug)]
pub struct BudgetRules {
    windows: Vec<WindowRule>,
    rate: Option<(RateRule, [Reach; PRIORITY_COUNT])>,
    reserves_per_mille: [u32; PRIORITY_COUNT],
    is_tracking: bool,
}

impl BudgetRules {
    /// Checks and keeps the limits.
    ///
    /// `reserves_per_mille[p]` of each limit is left to callers of higher priority than `p`. With `is_tracking`, every
    /// grant must be followed by `finish`, and calls still in flight at a window's end count in the next one.
    ///
    /// # Errors
    /// No limit at all, more than eight windows, or a number out of range.
    pub fn new(
        windows: Vec<WindowRule>,
        rate: Option<RateRule>,
        reserves_per_mille: [u32; PRIORITY_COUNT],
        is_tracking: bool,
    ) -> Result<Self, InvalidInput> {
        if windows.len() > WINDOW_COUNT_MAX || (windows.is_empty() && rate.is_none()) {
            return Err(InvalidInput::new("a budget needs one to eight windows, or a rate"));
        }
        if windows.iter().any(|window| window.limit == 0 || !is_length(window.length_ms)) {
            return Err(InvalidInput::new("windows: a limit or length is out of range"));
        }
        if reserves_per_mille.iter().any(|reserve| *reserve >= PER_MILLE) {
            return Err(InvalidInput::new("reserves_per_mille must be below 1000"));
        }
        let rate = rate.map(|rule| reaches(rule, reserves_per_mille)).transpose()?;
        Ok(Self { windows, rate, reserves_per_mille, is_tracking })
    }

    /// Returns the largest cost that `priority` can ever be granted.
    fn cost_max(&self, priority: usize) -> u64 {
        let reserve = self.reserves_per_mille[priority];
        let by_window = self.windows.iter().map(|window| usable(window.limit, reserve)).min().unwrap_or(u64::MAX);
        let by_rate = self.rate.map_or(u64::MAX, |(rule, _)| usable(rule.burst, reserve));
        by_window.min(by_rate)
    }

    fn check(&self, cost: u32, priority: usize, now_ms: i64) -> Result<u64, InvalidInput> {
        check_now(now_ms)?;
        if priority >= PRIORITY_COUNT {
            return Err(InvalidInput::new("priority must be 0, 1 or 2"));
        }
        if cost == 0 || u64::from(cost) > self.cost_max(priority) {
            return Err(InvalidInput::new("cost is zero or larger than this budget can ever grant"));
        }
        Ok(u64::from(cost))
    }
}

/// What is left of one budget.
#[derive(Clone, Debug)]
pub struct Budget {
    windows: Vec<WindowState>,
    rate: RateState,
}

/// Calls handed over at once, to be spent until `expires_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Number of calls; 0 when nothing is left.
    pub count: u32,
    /// End of the first window that closes; unspent calls die then.
    pub expires_ms: i64,
}

impl Budget {
    /// Starts with nothing spent.
    #[must_use]
    pub fn new(rules: &BudgetRules) -> Self {
        Self { windows: rules.windows.iter().copied().map(WindowState::new).collect(), rate: RateState::new() }
    }

    /// Takes `cost` calls and returns 0, or takes nothing and returns the milliseconds to wait.
    ///
    /// # Errors
    /// The cost could never be granted, or a number is out of range.
    pub fn try_take(
        &mut self,
        rules: &BudgetRules,
        cost: u32,
        priority: usize,
        now_ms: i64,
    ) -> Result<i64, InvalidInput> {
        let cost = rules.check(cost, priority, now_ms)?;
        let reserve = rules.reserves_per_mille[priority];
        let mut wait_ms = 0;
        for (state, rule) in self.windows.iter_mut().zip(&rules.windows) {
            state.roll(*rule, now_ms);
            if state.left(reserve) < cost {
                wait_ms = wait_ms.max(state.end_ms(*rule) - now_ms);
            }
        }
        if let Some((_, reaches)) = rules.rate {
            wait_ms = wait_ms.max(self.rate.wait_ms(cost, reaches[priority], now_ms));
        }
        if wait_ms == 0 {
            self.take(rules, cost, now_ms);
        }
        Ok(wait_ms)
    }

    fn take(&mut self, rules: &BudgetRules, cost: u64, now_ms: i64) {
        for state in &mut self.windows {
            state.take(cost, rules.is_tracking);
        }
        if let Some((_, reaches)) = rules.rate {
            self.rate.take(cost, reaches[0].interval_us, now_ms);
        }
    }

    /// Tells that a granted call was answered, so that it is no longer in flight.
    ///
    /// # Errors
    /// A time is out of range.
    pub fn finish(&mut self, rules: &BudgetRules, cost: u32, granted_ms: i64, now_ms: i64) -> Result<(), InvalidInput> {
        self.roll(rules, now_ms)?;
        for state in &mut self.windows {
            state.finish(u64::from(cost), granted_ms);
        }
        Ok(())
    }

    /// Corrects one window by what the provider's own headers say.
    ///
    /// # Errors
    /// There is no such window, or the time is out of range.
    pub fn observe(
        &mut self,
        rules: &BudgetRules,
        window: usize,
        used: u32,
        limit: u32,
        now_ms: i64,
    ) -> Result<(), InvalidInput> {
        self.roll(rules, now_ms)?;
        let state = self.windows.get_mut(window).ok_or_else(|| InvalidInput::new("window: no such window"))?;
        state.observe(used, limit);
        Ok(())
    }

    /// Treats every current window as spent until a header says otherwise or the window ends.
    ///
    /// # Errors
    /// The time is out of range.
    pub fn mark_lost(&mut self, rules: &BudgetRules, now_ms: i64) -> Result<(), InvalidInput> {
        self.roll(rules, now_ms)?;
        self.windows.iter_mut().for_each(WindowState::mark_lost);
        Ok(())
    }

    /// Hands over up to `count` calls to be spent elsewhere until the first window's end.
    ///
    /// # Errors
    /// The budget has a smooth rate (calls spent later would break it), or a number is out of range.
    pub fn lease(
        &mut self,
        rules: &BudgetRules,
        count: u32,
        priority: usize,
        now_ms: i64,
    ) -> Result<Grant, InvalidInput> {
        rules.check(1, priority, now_ms)?;
        if rules.rate.is_some() {
            return Err(InvalidInput::new("a budget with a smooth rate cannot be leased"));
        }
        self.roll(rules, now_ms)?;
        let reserve = rules.reserves_per_mille[priority];
        let left = self.windows.iter().map(|state| state.left(reserve)).min().unwrap_or(0);
        let count = count.min(u32::try_from(left).unwrap_or(u32::MAX));
        self.windows.iter_mut().for_each(|state| state.lease(u64::from(count)));
        let ends = self.windows.iter().zip(&rules.windows).map(|(state, rule)| state.end_ms(*rule));
        Ok(Grant { count, expires_ms: ends.min().unwrap_or(now_ms) })
    }

    /// Takes unspent calls of a lease back; those of a past window are worthless and ignored.
    ///
    /// # Errors
    /// A time is out of range.
    pub fn give_back(
        &mut self,
        rules: &BudgetRules,
        count: u32,
        leased_ms: i64,
        now_ms: i64,
    ) -> Result<(), InvalidInput> {
        self.roll(rules, now_ms)?;
        self.windows.iter_mut().for_each(|state| state.give_back(u64::from(count), leased_ms));
        Ok(())
    }

    /// Returns the time from which a fresh budget would behave the same.
    pub(crate) fn free_at_ms(&self, rules: &BudgetRules) -> i64 {
        let windows = self.windows.iter().zip(&rules.windows).map(|(state, rule)| state.free_at_ms(*rule));
        windows.fold(self.rate.free_at_ms(), i64::max)
    }

    fn roll(&mut self, rules: &BudgetRules, now_ms: i64) -> Result<(), InvalidInput> {
        check_now(now_ms)?;
        for (state, rule) in self.windows.iter_mut().zip(&rules.windows) {
            state.roll(*rule, now_ms);
        }
        Ok(())
    }
}

fn reaches(
    rule: RateRule,
    reserves_per_mille: [u32; PRIORITY_COUNT],
) -> Result<(RateRule, [Reach; PRIORITY_COUNT]), InvalidInput> {
    if !is_length(rule.period_ms) {
        return Err(InvalidInput::new("rate.period_ms is out of range"));
    }
    let interval_us = rule.interval_us()?;
    Ok((rule, reserves_per_mille.map(|reserve| Reach::new(rule, interval_us, reserve))))
}

fn is_length(length_ms: i64) -> bool {
    (1..=LENGTH_MS_MAX).contains(&length_ms)
}

pub(crate) fn check_now(now_ms: i64) -> Result<(), InvalidInput> {
    if (0..=NOW_MS_MAX).contains(&now_ms) { Ok(()) } else { Err(InvalidInput::new("now_ms is out of range")) }
}
