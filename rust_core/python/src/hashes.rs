//! Murmur3 and field fingerprints, one and many.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use syncwell_core::errors::InvalidInput;
use syncwell_core::fingerprint::{self as keyed, KEY_LENGTH};
use syncwell_core::murmur3;

use crate::invalid_input::{Checked, refuse, refuse_foreign};

/// Adds the functions of this file.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(murmur3_32, module)?)?;
    module.add_function(wrap_pyfunction!(murmur3_32_many, module)?)?;
    module.add_function(wrap_pyfunction!(buckets, module)?)?;
    module.add_function(wrap_pyfunction!(fingerprint, module)?)?;
    module.add_function(wrap_pyfunction!(fingerprint_many, module)?)
}

/// Returns the unsigned `MurmurHash3_x86_32` of bytes, or of a text in UTF-8.
#[pyfunction]
#[pyo3(signature = (data, seed=Checked(0), /), text_signature = "(data, seed=0, /)")]
fn murmur3_32(data: &Bound<'_, PyAny>, seed: Checked<u32>) -> PyResult<u32> {
    Ok(murmur3::murmur3_32(content(data)?, seed.0))
}

/// Returns `murmur3_32` of each item.
#[pyfunction]
#[pyo3(signature = (items, seed=Checked(0), /), text_signature = "(items, seed=0, /)")]
fn murmur3_32_many(items: &Bound<'_, PyList>, seed: Checked<u32>) -> PyResult<Vec<u32>> {
    items.iter().map(|item| Ok(murmur3::murmur3_32(content(&item)?, seed.0))).collect()
}

/// Returns the fixed bucket of each id, one byte each.
#[pyfunction]
#[pyo3(signature = (ids, /))]
fn buckets<'py>(py: Python<'py>, ids: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, ids.len(), |room| {
        for (place, id) in room.iter_mut().zip(ids.iter()) {
            *place = murmur3::bucket(content(&id)?);
        }
        Ok(())
    })
}

/// Returns the keyed 64-bit fingerprint of one field's value.
#[pyfunction]
#[pyo3(signature = (key, field, value, /))]
fn fingerprint(key: &[u8], field: Checked<&str>, value: &Bound<'_, PyAny>) -> PyResult<u64> {
    Ok(keyed::fingerprint(key_of(key)?, field.0, content(value)?))
}

/// Returns the fingerprint of each value as content of the same field.
#[pyfunction]
#[pyo3(signature = (key, field, values, /))]
fn fingerprint_many(key: &[u8], field: Checked<&str>, values: &Bound<'_, PyList>) -> PyResult<Vec<u64>> {
    let key = key_of(key)?;
    values.iter().map(|value| Ok(keyed::fingerprint(key, field.0, content(&value)?))).collect()
}

/// Returns the key as an array, or says that its length is wrong.
pub fn key_of(key: &[u8]) -> PyResult<&[u8; KEY_LENGTH]> {
    key.try_into().map_err(|_| refuse(InvalidInput::new("fingerprint key must have 16 bytes")))
}

fn content<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if let Ok(text) = value.cast::<PyString>() {
        return text.to_str().map(str::as_bytes).map_err(|error| refuse_foreign(value.py(), error));
    }
    match value.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes()),
        Err(_) => Err(PyTypeError::new_err("expected str or bytes")),
    }
}
