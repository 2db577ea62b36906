//! What the metadata of two records say about each other, before any judgement.

use crate::record::Record;
use crate::sport::SportRelation;

const HALF_HOUR_MS: i64 = 1_800_000;
const HALF_HOURS_MAX: i64 = 28;
const DAY_S: i64 = 86_400;
const MINUTE_MS: i64 = 60_000;
/// Services round durations to whole seconds, up or down, for pauses too.
const DURATION_SLACK_MS: i64 = 3_000;
/// A record without duration still occupies its second.
const INSTANT_MS: i64 = 1_000;
/// A distance below this says nothing: indoor devices report a few metres of noise.
const DISTANCE_M_MIN: f64 = 50.0;

/// Differences and ratios of a source record `a` and a destination record `b`; gaps are `b` minus `a`.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // each is one independent observation
pub struct Evidence {
    /// Start of `b` less start of `a`, after the learnt clock offset where that brings them closer.
    pub start_gap_ms: i64,
    /// The same for the ends.
    pub end_gap_ms: i64,
    /// Start of `b` less start of `a` as listed.
    pub raw_gap_ms: i64,
    /// Time in common, divided by the shorter record.
    pub overlap_share: f64,
    /// Part of the shorter record that lies outside the longer one.
    pub outside_share: f64,
    /// Shorter duration divided by the longer.
    pub kept_share: f64,
    /// Difference of the wall times.
    pub stretch_ms: i64,
    /// Relative difference of the wall times, 0 = equal.
    pub elapsed_difference: f64,
    /// Relative difference of the moving times, where both are known.
    pub moving_difference: Option<f64>,
    /// Relative difference of the distances, where both are known.
    pub distance_difference: Option<f64>,
    /// Difference of the distances in metres, where both are known.
    pub distance_gap_m: Option<f64>,
    /// Relative difference of the mean speeds, where both distances are known.
    pub pace_difference: Option<f64>,
    /// Whole half hours nearest to the raw gap; 0 when it is no shift.
    pub shift_half_hours: i64,
    /// What the raw gap differs from that shift.
    pub shift_residual_ms: i64,
    /// Whether both show the same local time of day although the instants differ.
    pub is_wall_clock_equal: bool,
    /// Whether both starts are full minutes, as people type them.
    pub is_start_round: bool,
    /// Whether one side hides its time of day.
    pub is_start_hidden: bool,
    /// How far the other start lies outside the hidden start's day.
    pub outside_day_ms: i64,
    /// Whether one side was typed in.
    pub is_manual: bool,
    /// What the two labels say.
    pub sport: SportRelation,
    /// Whether the longer record is a multisport event and the shorter is not.
    pub is_leg_of_multisport: bool,
    /// Whether both name the same device.
    pub is_same_device: bool,
    /// Whether both carry the same title.
    pub is_same_title: bool,
}

impl Evidence {
    /// Compares two checked records.
    #[must_use]
    pub fn of(a: &Record, b: &Record, clock_offset_ms: i64) -> Self {
        let raw_gap_ms = b.start_ms - a.start_ms;
        let start_gap_ms = nearer_to_zero(raw_gap_ms, raw_gap_ms - clock_offset_ms);
        let (shorter, longer) = if a.elapsed_ms <= b.elapsed_ms { (a, b) } else { (b, a) };
        let (length_a, length_b) = (a.elapsed_ms.max(INSTANT_MS), b.elapsed_ms.max(INSTANT_MS));
        let overlap_ms = length_a.min(start_gap_ms + length_b) - start_gap_ms.max(0);
        let overlap_share = share(overlap_ms.max(0), length_a.min(length_b));
        let (shift_half_hours, shift_residual_ms) = shift_of(raw_gap_ms);
        let distances = known_distances(a, b);
        let elapsed_difference = difference(a.elapsed_ms as f64, b.elapsed_ms as f64, DURATION_SLACK_MS as f64);
        let moving_difference = moving_difference(a, b);
        Self {
            start_gap_ms,
            end_gap_ms: start_gap_ms + b.elapsed_ms - a.elapsed_ms,
            raw_gap_ms,
            overlap_share,
            outside_share: (1.0 - overlap_share).clamp(0.0, 1.0),
            kept_share: share(shorter.elapsed_ms, longer.elapsed_ms.max(1)),
            stretch_ms: longer.elapsed_ms - shorter.elapsed_ms,
            elapsed_difference,
            moving_difference,
            distance_difference: distances.map(|(one, two)| difference(one, two, 0.0)),
            distance_gap_m: distances.map(|(one, two)| (one - two).abs()),
            pace_difference: distances.map(|(one, two)| pace_difference(a, b, one, two)),
            shift_half_hours,
            shift_residual_ms,
            is_wall_clock_equal: is_wall_clock_equal(a, b),
            is_start_round: a.start_ms % MINUTE_MS == 0 && b.start_ms % MINUTE_MS == 0,
            is_start_hidden: hides_start(a) || hides_start(b),
            outside_day_ms: outside_day_ms(a, b),
            is_manual: a.is_manual || b.is_manual,
            sport: a.sport.relation(b.sport),
            is_leg_of_multisport: is_leg(longer, shorter),
            is_same_device: !a.device_name.is_empty() && a.device_name == b.device_name,
            is_same_title: !a.title.is_empty() && a.title == b.title,
        }
    }

    /// Returns the smaller of the relative differences of wall time and moving time.
    #[must_use]
    pub fn time_difference(&self) -> f64 {
        self.moving_difference.map_or(self.elapsed_difference, |moving| moving.min(self.elapsed_difference))
    }

    /// Returns the gap at the boundary that agrees better.
    #[must_use]
    pub fn shared_edge_ms(&self) -> i64 {
        self.start_gap_ms.abs().min(self.end_gap_ms.abs())
    }

    /// Returns how far apart the middles of both records are: a clock that is wrong moves both ends alike.
    #[must_use]
    pub fn middle_gap_ms(&self) -> i64 {
        i64::midpoint(self.start_gap_ms, self.end_gap_ms).abs()
    }
}

/// Returns whether a record's start is the first second of its local day, as hidden starts are listed.
#[must_use]
pub fn hides_start(record: &Record) -> bool {
    let second_of_day = |offset: i64| (record.start_ms.div_euclid(1_000) + offset).rem_euclid(DAY_S);
    record.is_start_hidden || record.utc_offset_s.is_some_and(|offset| second_of_day(offset) == 1)
}

fn nearer_to_zero(one: i64, two: i64) -> i64 {
    if two.abs() < one.abs() { two } else { one }
}

fn share(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

/// Returns the relative difference of two sizes; a difference within `slack` counts as none.
fn difference(one: f64, two: f64, slack: f64) -> f64 {
    let larger = one.max(two);
    if larger <= 0.0 { 0.0 } else { ((one - two).abs() - slack).max(0.0) / larger }
}

fn moving_difference(a: &Record, b: &Record) -> Option<f64> {
    match (a.moving_ms, b.moving_ms) {
        (Some(one), Some(two)) if one > 0 && two > 0 => {
            Some(difference(one as f64, two as f64, DURATION_SLACK_MS as f64))
        }
        _ => None,
    }
}

fn known_distances(a: &Record, b: &Record) -> Option<(f64, f64)> {
    match (a.distance_m, b.distance_m) {
        (Some(one), Some(two)) if one >= DISTANCE_M_MIN && two >= DISTANCE_M_MIN => Some((one, two)),
        _ => None,
    }
}

/// Compares mean speeds by wall time and by moving time, and takes the better agreement.
fn pace_difference(a: &Record, b: &Record, distance_a: f64, distance_b: f64) -> f64 {
    let by = |time_a: i64, time_b: i64| difference(distance_a * time_b as f64, distance_b * time_a as f64, 0.0);
    let elapsed = by(a.elapsed_ms, b.elapsed_ms);
    match (a.moving_ms, b.moving_ms) {
        (Some(one), Some(two)) if one > 0 && two > 0 => elapsed.min(by(one, two)),
        _ => elapsed,
    }
}

fn shift_of(raw_gap_ms: i64) -> (i64, i64) {
    let half_hours = (raw_gap_ms + HALF_HOUR_MS / 2).div_euclid(HALF_HOUR_MS);
    if half_hours.abs() > HALF_HOURS_MAX {
        return (0, raw_gap_ms);
    }
    (half_hours, raw_gap_ms - half_hours * HALF_HOUR_MS)
}

fn is_wall_clock_equal(a: &Record, b: &Record) -> bool {
    match (a.utc_offset_s, b.utc_offset_s) {
        (Some(one), Some(two)) if one != two => {
            (a.start_ms + one * 1_000 - b.start_ms - two * 1_000).abs() <= DURATION_SLACK_MS
        }
        _ => false,
    }
}

fn outside_day_ms(a: &Record, b: &Record) -> i64 {
    let day_ms = DAY_S * 1_000;
    match (hides_start(a), hides_start(b)) {
        (true, true) => (b.start_ms - a.start_ms).abs(),
        (true, false) => outside(b.start_ms - a.start_ms, day_ms),
        (false, true) => outside(a.start_ms - b.start_ms, day_ms),
        (false, false) => 0,
    }
}

fn outside(value: i64, length: i64) -> i64 {
    (-value).max(value - length).max(0)
}

fn is_leg(longer: &Record, shorter: &Record) -> bool {
    longer.sport == crate::sport::Sport::MULTISPORT && shorter.sport != crate::sport::Sport::MULTISPORT
}
