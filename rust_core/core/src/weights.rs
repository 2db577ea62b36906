//! The numbers of the score: how much each piece of evidence speaks for or against, in log-odds.
//!
//! Each ramp lists (evidence, log-odds) pairs and is read by linear interpolation, flat beyond its ends. Change a
//! number, change the version: it stands in the evidence of every decision.

/// Names this table in the evidence of decisions.
pub const VERSION: &str = "hand-1";

/// A piecewise linear weight.
pub type Ramp = &'static [(f64, f64)];

/// From this log-odds on two records are the same (probability 0.70).
pub const SAME_FROM: f64 = 0.85;
/// Up to this log-odds they are different (probability 0.30); between the two the person is asked.
pub const DIFFERENT_TO: f64 = -0.85;
/// A pairing must beat the best plan without it by this much.
pub const MARGIN: f64 = 0.7;
/// The same, where a time of day was shifted or hidden: sizes alone must then tell two workouts apart.
pub const MARGIN_OF_MOVED: f64 = 3.5;

/// What the labels say, for [equal, family, unknown, kin, multisport, different].
pub const SPORT: [f64; 6] = [0.7, 0.5, 0.0, -0.8, -2.0, -6.0];
/// Both name one device.
pub const SAME_DEVICE: f64 = 0.3;
/// Both carry one title; weak, because services make titles up.
pub const SAME_TITLE: f64 = 0.3;

/// The whole workout, seen by two clocks.
pub mod whole {
    use super::Ramp;
    /// Before any evidence.
    pub const PRIOR: f64 = 1.5;
    /// Gap of the middles, seconds.
    pub const MIDDLE_S: Ramp = &[(0.0, 3.0), (5.0, 3.0), (60.0, 2.0), (150.0, 0.5), (260.0, -1.0), (420.0, -6.0)];
    /// Relative difference of the duration.
    pub const TIME: Ramp = &[(0.0, 2.5), (0.02, 1.8), (0.06, 0.0), (0.12, -2.5), (0.3, -8.0)];
    /// Relative difference of the distance.
    pub const DISTANCE: Ramp = &[(0.0, 2.5), (0.03, 1.5), (0.08, 0.3), (0.13, -1.0), (0.3, -6.0)];
    /// Part of the shorter record without overlap.
    pub const OUTSIDE: Ramp = &[(0.0, 0.0), (0.3, -0.5), (0.6, -3.0), (0.8, -7.5), (1.0, -10.0)];
}

/// One end cut off: trimmed, or a late satellite fix.
pub mod trimmed {
    use super::Ramp;
    /// Before any evidence.
    pub const PRIOR: f64 = -0.5;
    /// Gap at the boundary in common, seconds.
    pub const EDGE_S: Ramp = &[(0.0, 3.0), (2.0, 2.5), (10.0, 0.0), (30.0, -6.0)];
    /// Shorter duration divided by the longer.
    pub const KEPT: Ramp = &[(0.3, -8.0), (0.5, -4.0), (0.53, -1.5), (0.55, 0.5), (0.8, 1.0), (1.0, 1.0)];
    /// Relative difference of the mean speed.
    pub const PACE: Ramp = &[(0.0, 1.5), (0.1, 1.0), (0.25, -1.0), (0.6, -6.0)];
}

/// A pause counted by one side and not by the other.
pub mod paused {
    use super::Ramp;
    /// Before any evidence.
    pub const PRIOR: f64 = 0.0;
    /// Gap of the starts, seconds.
    pub const START_S: Ramp = &[(0.0, 3.0), (2.0, 2.5), (10.0, 0.0), (30.0, -6.0)];
    /// Relative difference of the moving times.
    pub const MOVING: Ramp = &[(0.0, 3.0), (0.01, 2.5), (0.03, 0.0), (0.1, -6.0)];
    /// Relative difference of the distances.
    pub const DISTANCE: Ramp = &[(0.0, 2.5), (0.01, 2.0), (0.04, 0.0), (0.15, -5.0)];
    /// Neither moving time nor distance is known.
    pub const SIZE_UNKNOWN: f64 = -1.5;
    /// Difference of the wall times, minutes.
    pub const STRETCH_MIN: Ramp = &[(0.0, 0.0), (31.0, 0.0), (35.0, -4.0), (60.0, -8.0)];
}

/// Typed in by hand.
pub mod manual {
    use super::Ramp;
    /// Before any evidence.
    pub const PRIOR: f64 = 1.0;
    /// Gap of the starts, minutes.
    pub const START_MIN: Ramp = &[(0.0, 1.0), (5.0, 0.5), (6.0, -1.0), (15.0, -6.0)];
    /// Difference of the durations, minutes.
    pub const TIME_MIN: Ramp = &[(0.0, 1.0), (5.0, 0.5), (6.0, -1.0), (15.0, -6.0)];
    /// Difference of the distances, kilometres.
    pub const DISTANCE_KM: Ramp = &[(0.0, 1.5), (1.0, 0.5), (1.3, -1.0), (4.0, -6.0)];
    /// Part of the shorter record without overlap.
    pub const OUTSIDE: Ramp = &[(0.0, 0.0), (0.5, -0.5), (1.0, -4.0)];
}

/// A time zone applied wrongly: all else equal, hours apart.
pub mod zone_shift {
    use super::Ramp;
    /// Before any evidence.
    pub const PRIOR: f64 = -5.7;
    /// What the gap differs from whole half hours, seconds.
    pub const RESIDUAL_S: Ramp = &[(0.0, 7.0), (1.5, 6.5), (5.0, 4.5), (26.0, 3.2), (32.0, -4.0), (40.0, -10.0)];
    /// Relative difference of the duration.
    pub const TIME: Ramp =
        &[(0.0, 4.5), (0.002, 4.0), (0.005, 3.0), (0.01, 1.8), (0.016, 0.3), (0.025, -3.0), (0.05, -8.0)];
    /// Relative difference of the distance.
    pub const DISTANCE: Ramp = &[(0.0, 1.2), (0.005, 0.8), (0.015, 0.2), (0.03, -2.5), (0.08, -8.0)];
    /// Zones of half hours are rare.
    pub const HALF_HOUR: f64 = -0.7;
    /// Both show the same time of day.
    pub const WALL_CLOCK: f64 = 1.0;
    /// Starts typed in or planned are full minutes anyway.
    pub const ROUND_START: f64 = -3.5;
}

/// The time of day hidden by the service.
pub mod hidden_start {
    use super::Ramp;
    /// Before any evidence.
    pub const PRIOR: f64 = -1.0;
    /// How far the other start lies outside the day, hours; clocks change by one.
    pub const OUTSIDE_DAY_H: Ramp = &[(0.0, 0.0), (1.0, -1.0), (1.1, -12.0)];
    /// Relative difference of the duration.
    pub const TIME: Ramp = &[(0.0, 4.0), (0.003, 3.5), (0.01, 2.0), (0.03, -1.0), (0.06, -6.0)];
    /// Relative difference of the distance.
    pub const DISTANCE: Ramp = &[(0.0, 2.5), (0.003, 2.0), (0.01, 1.0), (0.03, -1.0), (0.08, -6.0)];
}

/// A piece of a longer record: half of a split ride, or one leg of a multisport event.
pub mod part_of {
    use super::Ramp;
    /// Before any evidence, for a split.
    pub const PRIOR: f64 = -0.5;
    /// Gap at the boundary in common, seconds.
    pub const EDGE_S: Ramp = &[(0.0, 3.0), (2.0, 2.5), (10.0, 0.0), (30.0, -6.0)];
    /// Shorter duration divided by the longer.
    pub const KEPT: Ramp = &[(0.05, -2.0), (0.3, 1.0), (0.5, 2.0), (0.53, 1.0), (0.55, -3.0), (1.0, -8.0)];
    /// Relative difference of the mean speed.
    pub const PACE: Ramp = &[(0.0, 1.5), (0.1, 1.0), (0.25, -0.5), (0.6, -6.0)];
    /// Before any evidence, for a leg.
    pub const LEG_PRIOR: f64 = 3.0;
    /// Part of the leg outside the event.
    pub const LEG_OUTSIDE: Ramp = &[(0.0, 2.0), (0.05, 0.0), (0.2, -6.0)];
    /// Leg's duration divided by the event's.
    pub const LEG_KEPT: Ramp = &[(0.0, 0.0), (0.9, 0.0), (0.97, -3.0), (1.0, -6.0)];
    /// Pieces that lie side by side must cover this much of the whole.
    pub const COVER_MIN: f64 = 0.85;
    /// They may overlap each other by this much, milliseconds.
    pub const PIECE_OVERLAP_MS_MAX: i64 = 5_000;
}
