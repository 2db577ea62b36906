//! Tuples in, decisions out: the boundary of resolution.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use syncwell_core::decision::{Decision, Fact, Strategy};
use syncwell_core::errors::InvalidInput;
use syncwell_core::field::{FIELDS, PerField};
use syncwell_core::record::{DataType, Record};
use syncwell_core::request::{Link, Request};
use syncwell_core::resolution;
use syncwell_core::sport::Sport;

use crate::hashes::key_of;
use crate::invalid_input::{refuse, refuse_foreign};

/// Adds the function of this file.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(resolve, module)?)
}

/// Decides for every source record of one window; see `syncwell.domain.resolution`.
#[pyfunction]
#[pyo3(signature = (
    sources, destinations, links, echoes, tombstones, updatable, strategy, key, clock_offset_ms, destinations_complete, /
))]
#[allow(clippy::too_many_arguments)] // one call a batch: the window is its arguments
fn resolve<'py>(
    py: Python<'py>,
    sources: &Bound<'py, PyList>,
    destinations: &Bound<'py, PyList>,
    links: &Bound<'py, PyList>,
    echoes: &Bound<'py, PyList>,
    tombstones: &Bound<'py, PyList>,
    updatable: &Bound<'py, PyList>,
    strategy: &str,
    key: &[u8],
    clock_offset_ms: &Bound<'py, PyAny>,
    destinations_complete: bool,
) -> PyResult<Bound<'py, PyList>> {
    let read = || -> PyResult<Request> {
        Ok(Request {
            sources: sources.iter().map(|record| record_of(&record)).collect::<PyResult<_>>()?,
            destinations: destinations.iter().map(|record| record_of(&record)).collect::<PyResult<_>>()?,
            links: links.iter().map(|link| link_of(&link)).collect::<PyResult<_>>()?,
            echoes: echoes.iter().map(|id| id.extract()).collect::<PyResult<_>>()?,
            tombstones: tombstones.iter().map(|id| id.extract()).collect::<PyResult<_>>()?,
            strategy: Strategy::parse(strategy).map_err(refuse)?,
            is_updatable: updatable_of(updatable)?,
            key: *key_of(key)?,
            clock_offset_ms: clock_offset_ms.extract()?,
            is_complete: destinations_complete,
        })
    };
    let request = read().map_err(|error| refuse_foreign(py, error))?;
    let decisions = py.detach(|| resolution::resolve(&request)).map_err(refuse)?;
    let rows: Vec<_> = decisions.iter().map(|decision| row_of(py, decision)).collect::<PyResult<_>>()?;
    PyList::new(py, rows)
}

fn record_of(value: &Bound<'_, PyAny>) -> PyResult<Record> {
    let row = value.cast::<PyTuple>()?;
    let data_type = row.get_item(1)?;
    let record = Record {
        id: text(row, 0)?,
        data_type: DataType::parse(data_type.extract()?).map_err(refuse)?,
        sport: Sport::new(row.get_item(2)?.extract()?).map_err(refuse)?,
        start_ms: row.get_item(3)?.extract()?,
        elapsed_ms: row.get_item(4)?.extract()?,
        version: text(row, 5)?,
        moving_ms: row.get_item(6)?.extract()?,
        distance_m: row.get_item(7)?.extract()?,
        utc_offset_s: row.get_item(8)?.extract()?,
        modified_ms: row.get_item(9)?.extract()?,
        external_id: text(row, 10)?,
        device_name: text(row, 11)?,
        is_start_hidden: row.get_item(12)?.extract()?,
        is_manual: row.get_item(13)?.extract()?,
        title: text(row, 14)?,
        notes: text(row, 15)?,
    };
    Ok(record)
}

fn text(row: &Bound<'_, PyTuple>, position: usize) -> PyResult<String> {
    row.get_item(position)?.extract()
}

fn link_of(value: &Bound<'_, PyAny>) -> PyResult<Link> {
    let (source_id, destination_id, title, notes, sport) = value.extract()?;
    Ok(Link { source_id, destination_id, base: [title, notes, sport] })
}

fn updatable_of(names: &Bound<'_, PyList>) -> PyResult<PerField<bool>> {
    let mut is_updatable = [false; 3];
    for name in names.iter() {
        let name: String = name.extract()?;
        let position = FIELDS.iter().position(|field| field.name() == name);
        let position = position.ok_or_else(|| refuse(InvalidInput::new("updatable: no such field")))?;
        is_updatable[position] = true;
    }
    Ok(is_updatable)
}

fn row_of<'py>(py: Python<'py>, decision: &Decision) -> PyResult<Bound<'py, PyTuple>> {
    let evidence = PyDict::new(py);
    for (name, fact) in &decision.evidence {
        match fact {
            Fact::Integer(value) => evidence.set_item(name, value)?,
            Fact::Real(value) => evidence.set_item(name, value)?,
            Fact::Name(value) => evidence.set_item(name, value)?,
        }
    }
    let written = FIELDS.iter().zip(decision.is_written).filter(|(_, is_written)| *is_written);
    let based = FIELDS.iter().zip(decision.base).filter_map(|(field, base)| base.map(|base| (field.name(), base)));
    (
        decision.action.name(),
        decision.outcome.name(),
        decision.reason.name(),
        decision.destination_id.as_deref(),
        decision.score,
        written.map(|(field, _)| field.name()).collect::<Vec<_>>(),
        evidence,
        based.collect::<Vec<_>>(),
    )
        .into_pyobject(py)
}
