//! Budgets as Python classes.

use pyo3::prelude::*;
use syncwell_core::budget::{Budget as CoreBudget, BudgetRules, PRIORITY_COUNT};
use syncwell_core::budget_table::BudgetTable as CoreTable;
use syncwell_core::errors::InvalidInput;
use syncwell_core::rate::RateRule;
use syncwell_core::window::WindowRule;

use crate::invalid_input::{Checked, refuse};

type RateTuple = (u32, i64, u32);

/// Interactive callers may use all, normal ones leave a tenth, bulk ones three.
const RESERVES_PER_MILLE: [u32; PRIORITY_COUNT] = [0, 100, 300];

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
    #[pyo3(
        signature = (
            windows, *, rate=Checked(None), reserves_per_mille=Checked(RESERVES_PER_MILLE), tracks_in_flight=false
        ),
        text_signature = "(windows, *, rate=None, reserves_per_mille=(0, 100, 300), tracks_in_flight=False)"
    )]
    #[allow(clippy::needless_pass_by_value)] // the constructor owns what Python hands over
    fn new(
        windows: Checked<Vec<(u32, i64)>>,
        rate: Checked<Option<RateTuple>>,
        reserves_per_mille: Checked<[u32; PRIORITY_COUNT]>,
        tracks_in_flight: bool,
    ) -> PyResult<Self> {
        let rules = rules_of(&windows.0, rate.0, reserves_per_mille.0, tracks_in_flight)?;
        let state = CoreBudget::new(&rules);
        Ok(Self { rules, state })
    }

    #[pyo3(signature = (cost, priority, now_ms, /))]
    fn try_take(&mut self, cost: Checked<u32>, priority: Checked<usize>, now_ms: Checked<i64>) -> PyResult<i64> {
        self.state.try_take(&self.rules, cost.0, priority.0, now_ms.0).map_err(refuse)
    }

    #[pyo3(signature = (cost, granted_ms, now_ms, /))]
    fn finish(&mut self, cost: Checked<u32>, granted_ms: Checked<i64>, now_ms: Checked<i64>) -> PyResult<()> {
        self.state.finish(&self.rules, cost.0, granted_ms.0, now_ms.0).map_err(refuse)
    }

    #[pyo3(signature = (window, used, limit, now_ms, /))]
    fn observe(
        &mut self,
        window: Checked<usize>,
        used: Checked<u32>,
        limit: Checked<u32>,
        now_ms: Checked<i64>,
    ) -> PyResult<()> {
        self.state.observe(&self.rules, window.0, used.0, limit.0, now_ms.0).map_err(refuse)
    }

    #[pyo3(signature = (now_ms, /))]
    fn mark_lost(&mut self, now_ms: Checked<i64>) -> PyResult<()> {
        self.state.mark_lost(&self.rules, now_ms.0).map_err(refuse)
    }

    #[pyo3(signature = (count, priority, now_ms, /))]
    fn lease(&mut self, count: Checked<u32>, priority: Checked<usize>, now_ms: Checked<i64>) -> PyResult<Lease> {
        let grant = self.state.lease(&self.rules, count.0, priority.0, now_ms.0).map_err(refuse)?;
        Ok(Lease { left: grant.count, granted: grant.count, expires_ms: grant.expires_ms })
    }

    #[pyo3(signature = (count, leased_ms, now_ms, /))]
    fn give_back(&mut self, count: Checked<u32>, leased_ms: Checked<i64>, now_ms: Checked<i64>) -> PyResult<()> {
        self.state.give_back(&self.rules, count.0, leased_ms.0, now_ms.0).map_err(refuse)
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
    #[pyo3(
        signature = (
            windows, *, capacity, rate=Checked(None), reserves_per_mille=Checked(RESERVES_PER_MILLE), tracks_in_flight=false
        ),
        text_signature = "(windows, *, capacity, rate=None, reserves_per_mille=(0, 100, 300), tracks_in_flight=False)"
    )]
    #[allow(clippy::needless_pass_by_value)] // the constructor owns what Python hands over
    fn new(
        windows: Checked<Vec<(u32, i64)>>,
        capacity: Checked<usize>,
        rate: Checked<Option<RateTuple>>,
        reserves_per_mille: Checked<[u32; PRIORITY_COUNT]>,
        tracks_in_flight: bool,
    ) -> PyResult<Self> {
        let rules = rules_of(&windows.0, rate.0, reserves_per_mille.0, tracks_in_flight)?;
        let table = CoreTable::new(rules, capacity.0).map_err(refuse)?;
        Ok(Self { table })
    }

    fn __len__(&self) -> usize {
        self.table.len()
    }

    #[pyo3(signature = (key, cost, priority, now_ms, /))]
    fn try_take(
        &mut self,
        key: Checked<&str>,
        cost: Checked<u32>,
        priority: Checked<usize>,
        now_ms: Checked<i64>,
    ) -> PyResult<i64> {
        self.table.try_take(key.0, cost.0, priority.0, now_ms.0).map_err(refuse)
    }

    #[pyo3(signature = (keys, cost, priority, now_ms, /))]
    #[allow(clippy::needless_pass_by_value)] // a list is converted into an owned vector
    fn try_take_many(
        &mut self,
        keys: Checked<Vec<String>>,
        cost: Checked<u32>,
        priority: Checked<usize>,
        now_ms: Checked<i64>,
    ) -> PyResult<Vec<i64>> {
        let take = |key: &String| self.table.try_take(key, cost.0, priority.0, now_ms.0).map_err(refuse);
        keys.0.iter().map(take).collect()
    }

    #[pyo3(signature = (key, cost, granted_ms, now_ms, /))]
    fn finish(
        &mut self,
        key: Checked<&str>,
        cost: Checked<u32>,
        granted_ms: Checked<i64>,
        now_ms: Checked<i64>,
    ) -> PyResult<()> {
        self.table.finish(key.0, cost.0, granted_ms.0, now_ms.0).map_err(refuse)
    }

    #[pyo3(signature = (key, window, used, limit, now_ms, /))]
    fn observe(
        &mut self,
        key: Checked<&str>,
        window: Checked<usize>,
        used: Checked<u32>,
        limit: Checked<u32>,
        now_ms: Checked<i64>,
    ) -> PyResult<bool> {
        self.table.observe(key.0, window.0, used.0, limit.0, now_ms.0).map_err(refuse)
    }

    #[pyo3(signature = (key, now_ms, /))]
    fn mark_lost(&mut self, key: Checked<&str>, now_ms: Checked<i64>) -> PyResult<bool> {
        self.table.mark_lost(key.0, now_ms.0).map_err(refuse)
    }

    #[pyo3(signature = (key, count, priority, now_ms, /))]
    fn lease(
        &mut self,
        key: Checked<&str>,
        count: Checked<u32>,
        priority: Checked<usize>,
        now_ms: Checked<i64>,
    ) -> PyResult<Lease> {
        let grant = self.table.lease(key.0, count.0, priority.0, now_ms.0).map_err(refuse)?;
        Ok(Lease { left: grant.count, granted: grant.count, expires_ms: grant.expires_ms })
    }

    #[pyo3(signature = (key, count, leased_ms, now_ms, /))]
    fn give_back(
        &mut self,
        key: Checked<&str>,
        count: Checked<u32>,
        leased_ms: Checked<i64>,
        now_ms: Checked<i64>,
    ) -> PyResult<()> {
        self.table.give_back(key.0, count.0, leased_ms.0, now_ms.0).map_err(refuse)
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
    fn new(granted: Checked<u32>, expires_ms: Checked<i64>) -> Self {
        Self { left: granted.0, granted: granted.0, expires_ms: expires_ms.0 }
    }

    #[pyo3(signature = (cost, now_ms, /))]
    fn try_take(&mut self, cost: Checked<u32>, now_ms: Checked<i64>) -> PyResult<bool> {
        if cost.0 == 0 {
            return Err(refuse(InvalidInput::new("cost must be positive")));
        }
        if now_ms.0 >= self.expires_ms || cost.0 > self.left {
            return Ok(false);
        }
        self.left -= cost.0;
        Ok(true)
    }

    #[pyo3(signature = (now_ms, /))]
    fn left(&self, now_ms: Checked<i64>) -> u32 {
        if now_ms.0 >= self.expires_ms { 0 } else { self.left }
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
