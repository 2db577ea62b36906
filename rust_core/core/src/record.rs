//! The metadata of one record, checked once.

use std::cmp::Ordering;

use crate::errors::InvalidInput;
use crate::sport::Sport;

const TIME_MS_MIN: i64 = -62_135_596_800_000;
const TIME_MS_MAX: i64 = 253_402_300_799_999;
const ELAPSED_MS_MAX: i64 = 366 * 86_400_000;
const DISTANCE_M_MAX: f64 = 1e8;
const UTC_OFFSET_S_MAX: i64 = 18 * 3_600;

/// A kind of health record; records of two kinds are never one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataType {
    /// A workout.
    Workout,
    /// A night or a nap.
    SleepSession,
    /// Steps of an interval.
    Steps,
    /// A body weight.
    Weight,
}

impl DataType {
    /// Reads the name used in Python.
    ///
    /// # Errors
    /// There is no data type of that name.
    pub fn parse(name: &str) -> Result<Self, InvalidInput> {
        match name {
            "workout" => Ok(Self::Workout),
            "sleep_session" => Ok(Self::SleepSession),
            "steps" => Ok(Self::Steps),
            "weight" => Ok(Self::Weight),
            _ => Err(InvalidInput::new("data_type: no such name")),
        }
    }
}

/// One record as its provider lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The provider's id, unique on its side.
    pub id: String,
    /// What kind of record it is.
    pub data_type: DataType,
    /// The sport, `OTHER` where unknown.
    pub sport: Sport,
    /// Start, epoch milliseconds UTC.
    pub start_ms: i64,
    /// Wall time from start to end.
    pub elapsed_ms: i64,
    /// Time in motion, if the provider says.
    pub moving_ms: Option<i64>,
    /// Distance in metres, if the provider says.
    pub distance_m: Option<f64>,
    /// Local time less UTC in seconds, if known.
    pub utc_offset_s: Option<i64>,
    /// When the provider's record was last changed, if known.
    pub modified_ms: Option<i64>,
    /// Opaque; changes whenever the provider's record changes.
    pub version: String,
    /// The id that whoever uploaded the record gave it; may be empty.
    pub external_id: String,
    /// The recording device; may be empty.
    pub device_name: String,
    /// Whether the provider hides the time of day.
    pub is_start_hidden: bool,
    /// Whether the person typed it in.
    pub is_manual: bool,
    /// The person's title; may be empty.
    pub title: String,
    /// The person's notes; may be empty.
    pub notes: String,
}

impl Record {
    /// Says which field is out of range, if any.
    ///
    /// # Errors
    /// A field is out of range.
    pub fn check(&self) -> Result<(), InvalidInput> {
        let is_duration = |value: i64| (0..=ELAPSED_MS_MAX).contains(&value);
        let is_time = |value: i64| (TIME_MS_MIN..=TIME_MS_MAX).contains(&value);
        let wrong = if self.id.is_empty() {
            "record_id"
        } else if !is_time(self.start_ms) {
            "start_ms"
        } else if !is_duration(self.elapsed_ms) {
            "elapsed_ms"
        } else if !self.moving_ms.is_none_or(is_duration) {
            "moving_ms"
        } else if !self.distance_m.is_none_or(|distance| (0.0..=DISTANCE_M_MAX).contains(&distance)) {
            "distance_m"
        } else if self.utc_offset_s.is_some_and(|offset| !(-UTC_OFFSET_S_MAX..=UTC_OFFSET_S_MAX).contains(&offset)) {
            "utc_offset_s"
        } else if !self.modified_ms.is_none_or(is_time) {
            "modified_ms"
        } else {
            return Ok(());
        };
        Err(InvalidInput::new(format!("{wrong} is out of range")))
    }

    /// Returns start plus wall time.
    #[must_use]
    pub fn end_ms(&self) -> i64 {
        self.start_ms + self.elapsed_ms
    }

    /// Orders records by content, then id, so that no answer depends on the order in which they came.
    #[must_use]
    pub fn canonical_order(&self, other: &Self) -> Ordering {
        let key = |record: &Self| (record.start_ms, record.elapsed_ms, record.data_type, record.sport);
        key(self).cmp(&key(other)).then_with(|| self.id.cmp(&other.id))
    }
}
