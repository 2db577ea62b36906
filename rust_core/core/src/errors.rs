//! The one error of the core: input that no caller should send.

use std::fmt;

/// A value is out of range, or a request contradicts itself.
///
/// The text names the field and the position, never the value: it may travel to logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidInput {
    message: String,
}

impl InvalidInput {
    /// Makes an error with a text that says which part is wrong.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for InvalidInput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for InvalidInput {}
