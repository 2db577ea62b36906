//! Budgets as Python classes.

use pyo3::prelude::*;
use syncwell_core::budget::{Budget as CoreBudget, BudgetRules, PRIORITY_COUNT};
use syncwell_core::budget_table::BudgetTable as CoreTable;
use syncwell_core::errors::InvalidInput;
use syncwell_core::rate::RateRule;
use syncwell_core::window::WindowRule;

use crate::invalid_input::refuse;

type RateTuple = (u32, i64, u32);

/// Adds the classes of this file.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Budget>()?;
    module.add_class::<BudgetTable>()?;
    module.add_class::<Lease>()
}

/// One budget.
#[pyclass(module = "syncwell._core")]
struct Budget {
    rules: BudgetRules,
    state: CoreBudget,
}

#[pymethods]
impl Budget {
    #[new]
    #[pyo3(signature = (windows, *, rate=None, reserves_per_mille=[0, 100, 300], tracks_in_flight=false))]
    #[allow(clippy::needless_pass_by_value)] // the constructor owns what Python hands over
    fn new(
        windows: Vec<(u32, i64)>,
        rate: Option<RateTuple>,
        reserves_per_mille: [u32; PRIORITY_COUNT],
        tracks_in_flight: bool,
    ) -> PyResult<Self> {
        let rules = rules_of(&windows, rate, reserves_per_mille, tracks_in_flight)?;
        let state = CoreBudget::new(&rules);
        Ok(Self { rules, state })
    }

    #[pyo3(signature = (cost, priority, now_ms, /))]
    fn try_take(&mut self, cost: u32, priority: usize, now_ms: i64) -> PyResult<i64> {
        self.state.try_take(&self.rules, cost, priority, now_ms).map_err(refuse)
    }

    #[pyo3(signature = (cost, granted_ms, now_ms, /))]
    fn finish(&mut self, cost: u32, granted_ms: i64, now_ms: i64) -> PyResult<()> {
        self.state.finish(&self.rules, cost, granted_ms, now_ms).map_err(refuse)
    }

    #[pyo3(signature = (window, used, limit, now_ms, /))]
    fn observe(&mut self, window: usize, used: u32, limit: u32, now_ms: i64) -> PyResult<()> {
        self.state.observe(&self.rules, window, used, limit, now_ms).map_err(refuse)
    }

    #[pyo3(signature = (now_ms, /))]
    fn mark_lost(&mut self, now_ms: i64) -> PyResult<()> {
        self.state.mark_lost(&self.rules, now_ms).map_err(refuse)
    }

    #[pyo3(signature = (count, priority, now_ms, /))]
    fn lease(&mut self, count: u32, priority: usize, now_ms: i64) -> PyResult<Lease> {
        let grant = self.state.lease(&self.rules, count, priority, now_ms).map_err(refuse)?;
        Ok(Lease { left: grant.count, granted: grant.count, expires_ms: grant.expires_ms })
    }

    #[pyo3(signature = (count, leased_ms, now_ms, /))]
    fn give_back(&mut self, count: u32, leased_ms: i64, now_ms: i64) -> PyResult<()> {
        self.state.give_back(&self.rules, count, leased_ms, now_ms).map_err(refuse)
    }
}

/// Budgets by key in bounded memory.
#[pyclass(module = "syncwell._core")]
struct BudgetTable {
    table: CoreTable,
}

#[pymethods]
impl BudgetTable {
    #[new]
    #[pyo3(signature = (windows, *, capacity, rate=None, reserves_per_mille=[0, 100, 300], tracks_in_flight=false))]
    #[allow(clippy::needless_pass_by_value)] // the constructor owns what Python hands over
    fn new(
        windows: Vec<(u32, i64)>,
        capacity: usize,
        rate: Option<RateTuple>,
        reserves_per_mille: [u32; PRIORITY_COUNT],
        tracks_in_flight: bool,
    ) -> PyResult<Self> {
        let rules = rules_of(&windows, rate, reserves_per_mille, tracks_in_flight)?;
        let table = CoreTable::new(rules, capacity).map_err(refuse)?;
        Ok(Self { table })
    }

    fn __len__(&self) -> usize {
        self.table.len()
    }

    #[pyo3(signature = (key, cost, priority, now_ms, /))]
    fn try_take(&mut self, key: &str, cost: u32, priority: usize, now_ms: i64) -> PyResult<i64> {
        self.table.try_take(key, cost, priority, now_ms).map_err(refuse)
    }

    #[pyo3(signature = (keys, cost, priority, now_ms, /))]
    #[allow(clippy::needless_pass_by_value)] // a list is converted into an owned vector
    fn try_take_many(&mut self, keys: Vec<String>, cost: u32, priority: usize, now_ms: i64) -> PyResult<Vec<i64>> {
        let take = |key: &String| self.table.try_take(key, cost, priority, now_ms).map_err(refuse);
        keys.iter().map(take).collect()
    }

    #[pyo3(signature = (key, cost, granted_ms, now_ms, /))]
    fn finish(&mut self, key: &str, cost: u32, granted_ms: i64, now_ms: i64) -> PyResult<()> {
        self.table.finish(key, cost, granted_ms, now_ms).map_err(refuse)
    }

    #[pyo3(signature = (key, window, used, limit, now_ms, /))]
    fn observe(&mut self, key: &str, window: usize, used: u32, limit: u32, now_ms: i64) -> PyResult<bool> {
        self.table.observe(key, window, used, limit, now_ms).map_err(refuse)
    }

    #[pyo3(signature = (key, now_ms, /))]
    fn mark_lost(&mut self, key: &str, now_ms: i64) -> PyResult<bool> {
        self.table.mark_lost(key, now_ms).map_err(refuse)
    }

    #[pyo3(signature = (key, count, priority, now_ms, /))]
    fn lease(&mut self, key: &str, count: u32, priority: usize, now_ms: i64) -> PyResult<Lease> {
        let grant = self.table.lease(key, count, priority, now_ms).map_err(refuse)?;
        Ok(Lease { left: grant.count, granted: grant.count, expires_ms: grant.expires_ms })
    }

    #[pyo3(signature = (key, count, leased_ms, now_ms, /))]
    fn give_back(&mut self, key: &str, count: u32, leased_ms: i64, now_ms: i64) -> PyResult<()> {
        self.table.give_back(key, count, leased_ms, now_ms).map_err(refuse)
    }
}

/// Calls taken from a shared budget, spent here without asking again.
#[pyclass(module = "syncwell._core")]
struct Lease {
    left: u32,
    #[pyo3(get)]
    granted: u32,
    #[pyo3(get)]
    expires_ms: i64,
}

#[pymethods]
impl Lease {
    #[new]
    #[pyo3(signature = (granted, expires_ms, /))]
    fn new(granted: u32, expires_ms: i64) -> Self {
        Self { left: granted, granted, expires_ms }
    }

    #[pyo3(signature = (cost, now_ms, /))]
    fn try_take(&mut self, cost: u32, now_ms: i64) -> PyResult<bool> {
        if cost == 0 {
            return Err(refuse(InvalidInput::new("cost must be positive")));
        }
        if now_ms >= self.expires_ms || cost > self.left {
            return Ok(false);
        }
        self.left -= cost;
        Ok(true)
    }

    #[pyo3(signature = (now_ms, /))]
    fn left(&self, now_ms: i64) -> u32 {
        if now_ms >= self.expires_ms { 0 } else { self.left }
    }

    /// Empties the lease and returns what was unspent, to be given back.
    fn close(&mut self) -> u32 {
        std::mem::take(&mut self.left)
    }
}

fn rules_of(
    windows: &[(u32, i64)],
    rate: Option<RateTuple>,
    reserves_per_mille: [u32; PRIORITY_COUNT],
    tracks_in_flight: bool,
) -> PyResult<BudgetRules> {
    let windows = windows.iter().map(|&(limit, length_ms)| WindowRule { limit, length_ms }).collect();
    let rate = rate.map(|(limit, period_ms, burst)| RateRule { limit, period_ms, burst });
    BudgetRules::new(windows, rate, reserves_per_mille, tracks_in_flight).map_err(refuse)
}
