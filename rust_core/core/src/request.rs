//! One window of two accounts, as the caller knows it.

use std::collections::HashSet;

use crate::decision::Strategy;
use crate::errors::InvalidInput;
use crate::field::PerField;
use crate::fingerprint::KEY_LENGTH;
use crate::record::Record;

const RECORD_COUNT_MAX: usize = 20_000;
const CLOCK_OFFSET_MS_MAX: i64 = 15 * 3_600_000;

/// A source record and the destination record that it is known to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Id of the source record.
    pub source_id: String,
    /// Id of the destination record.
    pub destination_id: String,
    /// Fingerprint of each field's last value carried over, where known.
    pub base: PerField<Option<u64>>,
}

/// One window of two accounts of one person.
#[derive(Clone, Debug)]
pub struct Request {
    /// Records of the source.
    pub sources: Vec<Record>,
    /// Records of the destination.
    pub destinations: Vec<Record>,
    /// What is known to be one.
    pub links: Vec<Link>,
    /// Source ids that we wrote from this destination's lineage.
    pub echoes: HashSet<String>,
    /// Source ids whose copy the person deleted.
    pub tombstones: HashSet<String>,
    /// Who wins.
    pub strategy: Strategy,
    /// Which fields the destination can change.
    pub is_updatable: PerField<bool>,
    /// The person's fingerprint key.
    pub key: [u8; KEY_LENGTH],
    /// Clock of the destination less clock of the source, as learnt.
    pub clock_offset_ms: i64,
    /// Whether `destinations` holds all that the destination has in the window.
    pub is_complete: bool,
}

impl Request {
    /// Says what is wrong with the request, if anything.
    ///
    /// # Errors
    /// Two records of one side share an id, or a value is out of range.
    pub fn check(&self) -> Result<(), InvalidInput> {
        if self.sources.len().max(self.destinations.len()).max(self.links.len()) > RECORD_COUNT_MAX {
            return Err(InvalidInput::new("too many records in one window"));
        }
        if !(-CLOCK_OFFSET_MS_MAX..=CLOCK_OFFSET_MS_MAX).contains(&self.clock_offset_ms) {
            return Err(InvalidInput::new("clock_offset_ms is out of range"));
        }
        for (side, records) in [("sources", &self.sources), ("destinations", &self.destinations)] {
            let mut seen = HashSet::with_capacity(records.len());
            for (position, record) in records.iter().enumerate() {
                record.check().map_err(|error| InvalidInput::new(format!("{side}[{position}].{error}")))?;
                if !seen.insert(record.id.as_str()) {
                    return Err(InvalidInput::new(format!("{side}[{position}]: two records share an id")));
                }
            }
        }
        Ok(())
    }
}
