//! The pure core of `SyncWell`: hashes, budgets, matching and resolution.
//!
//! No I/O, no clock, no randomness: times come in as arguments, the same input gives the same answer.
#![forbid(unsafe_code)]

pub mod assignment;
pub mod budget;
pub mod budget_table;
pub mod candidates;
mod consequence;
pub mod decision;
pub mod errors;
pub mod evidence;
pub mod field;
pub mod fingerprint;
pub mod matching;
mod merge;
pub mod murmur3;
mod pieces;
pub mod rate;
pub mod record;
pub mod request;
pub mod resolution;
pub mod score;
pub mod sport;
pub mod weights;
pub mod window;
