//! The road of the core's error into Python's error tree.

use pyo3::exceptions::{PyOverflowError, PyUnicodeEncodeError};
use pyo3::prelude::*;
use syncwell_core::errors::InvalidInput;

pyo3::import_exception!(syncwell.domain.errors, InvalidInputError);

/// Makes the Python error of a refusal of the core.
#[allow(clippy::needless_pass_by_value)] // it is what `map_err` hands over
pub fn refuse(error: InvalidInput) -> PyErr {
    InvalidInputError::new_err((error.to_string(),))
}

/// Turns integers that are too large and texts that are no Unicode into bad input; other errors stay what they are.
pub fn refuse_foreign(py: Python<'_>, error: PyErr) -> PyErr {
    if error.is_instance_of::<PyOverflowError>(py) {
        return InvalidInputError::new_err(("an integer is out of range",));
    }
    if error.is_instance_of::<PyUnicodeEncodeError>(py) {
        return InvalidInputError::new_err(("a text is not valid Unicode",));
    }
    error
}

/// An argument of the right kind whose value may not fit: that is bad input, not a foreign error.
#[derive(Clone, Copy)]
pub struct Checked<T>(pub T);

impl<'a, 'py, T> FromPyObject<'a, 'py> for Checked<T>
where
    T: FromPyObject<'a, 'py, Error = PyErr>,
{
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        value.extract().map(Self).map_err(|error| refuse_foreign(value.py(), error))
    }
}
