//! The pure core of SyncWell: hashes, budgets, matching and resolution.
//!
//! No I/O, no clock, no randomness: times come in as arguments, the same input gives the same answer.
#![forbid(unsafe_code)]

pub mod budget;
pub mod budget_table;
pub mod errors;
pub mod fingerprint;
pub mod murmur3;
pub mod rate;
pub mod window;
