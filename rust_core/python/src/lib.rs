//! `syncwell._core`: the core with Python types at its edge.
//!
//! Batches and plain values cross; no Python object is kept. Bad input raises `InvalidInputError` of the project's own
//! tree. `_core.pyi` is the contract.

use pyo3::prelude::*;

mod budgets;
mod hashes;
mod invalid_input;
mod records;

/// The native core of `SyncWell`.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("SOURCE_HASH", env!("SYNCWELL_SOURCE_HASH"))?;
    hashes::register(module)?;
    budgets::register(module)?;
    records::register(module)
}
