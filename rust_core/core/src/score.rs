//! Turns evidence into a calibrated probability that two records are one, and says which explanation fits best.

use crate::evidence::Evidence;
use crate::sport::SportRelation;
use crate::weights::{self, Ramp, hidden_start, manual, part_of, paused, trimmed, whole, zone_shift};

const MS_PER_SECOND: f64 = 1_000.0;
const MS_PER_MINUTE: f64 = 60_000.0;
const MS_PER_HOUR: f64 = 3_600_000.0;
const METRES_PER_KILOMETRE: f64 = 1_000.0;
/// Below this no explanation can be accepted: the pair need not be remembered.
const IMPOSSIBLE: f64 = -100.0;

/// How two records that differ can still be one workout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// Both saw the whole workout, by clocks that may differ.
    Whole,
    /// One lost an end.
    Trimmed,
    /// One counts pauses, the other does not.
    Paused,
    /// One was typed in.
    Manual,
    /// One has a wrong time zone.
    ZoneShift,
    /// One hides the time of day.
    HiddenStart,
    /// One is a piece of the other.
    PartOf,
}

impl Explanation {
    /// Returns the name used in evidence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Trimmed => "trimmed",
            Self::Paused => "paused",
            Self::Manual => "manual",
            Self::ZoneShift => "zone_shift",
            Self::HiddenStart => "hidden_start",
            Self::PartOf => "part_of",
        }
    }

    /// Returns whether the time of day says nothing under this explanation.
    #[must_use]
    pub fn is_moved(self) -> bool {
        matches!(self, Self::ZoneShift | Self::HiddenStart)
    }
}

/// The best explanation and how likely it makes the pair one workout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// The explanation with the highest log-odds.
    pub explanation: Explanation,
    /// Natural logarithm of the odds that both are one.
    pub log_odds: f64,
}

impl Verdict {
    /// Returns the probability.
    #[must_use]
    pub fn probability(self) -> f64 {
        1.0 / (1.0 + (-self.log_odds).exp())
    }
}

/// Judges a pair by every explanation and keeps the best; the first named wins a tie.
#[must_use]
pub fn judge(evidence: &Evidence) -> Verdict {
    let moved = [(Explanation::HiddenStart, hidden_start_log_odds(evidence))];
    let seen = [
        (Explanation::Whole, whole_log_odds(evidence)),
        (Explanation::Trimmed, trimmed_log_odds(evidence)),
        (Explanation::Paused, paused_log_odds(evidence)),
        (Explanation::Manual, manual_log_odds(evidence)),
        (Explanation::ZoneShift, zone_shift_log_odds(evidence)),
        (Explanation::PartOf, part_of_log_odds(evidence)),
    ];
    let candidates: &[_] = if evidence.is_start_hidden { &moved } else { &seen };
    let mut best = Verdict { explanation: candidates[0].0, log_odds: candidates[0].1 };
    for &(explanation, log_odds) in &candidates[1..] {
        if log_odds > best.log_odds {
            best = Verdict { explanation, log_odds };
        }
    }
    best
}

fn whole_log_odds(evidence: &Evidence) -> f64 {
    whole::PRIOR
        + labels(evidence)
        + read(whole::MIDDLE_S, evidence.middle_gap_ms() as f64 / MS_PER_SECOND)
        + read(whole::TIME, evidence.time_difference())
        + read_known(whole::DISTANCE, evidence.distance_difference)
        + read(whole::OUTSIDE, evidence.outside_share)
}

fn trimmed_log_odds(evidence: &Evidence) -> f64 {
    let pace = evidence.pace_difference.zip(evidence.distance_difference).map(|(pace, distance)| pace.min(distance));
    trimmed::PRIOR
        + labels(evidence)
        + read(trimmed::EDGE_S, evidence.shared_edge_ms() as f64 / MS_PER_SECOND)
        + read(trimmed::KEPT, evidence.kept_share)
        + read_known(trimmed::PACE, pace)
}

fn paused_log_odds(evidence: &Evidence) -> f64 {
    let size = match (evidence.moving_difference, evidence.distance_difference) {
        (None, None) => paused::SIZE_UNKNOWN,
        (moving, distance) => read_known(paused::MOVING, moving) + read_known(paused::DISTANCE, distance),
    };
    paused::PRIOR
        + labels(evidence)
        + size
        + read(paused::START_S, evidence.start_gap_ms.abs() as f64 / MS_PER_SECOND)
        + read(paused::STRETCH_MIN, evidence.stretch_ms as f64 / MS_PER_MINUTE)
}

fn manual_log_odds(evidence: &Evidence) -> f64 {
    if !evidence.is_manual {
        return IMPOSSIBLE;
    }
    let distance_km = evidence.distance_gap_m.map(|gap| gap / METRES_PER_KILOMETRE);
    manual::PRIOR
        + labels(evidence)
        + read(manual::START_MIN, evidence.start_gap_ms.abs() as f64 / MS_PER_MINUTE)
        + read(manual::TIME_MIN, evidence.stretch_ms as f64 / MS_PER_MINUTE)
        + read_known(manual::DISTANCE_KM, distance_km)
        + read(manual::OUTSIDE, evidence.outside_share)
}

fn zone_shift_log_odds(evidence: &Evidence) -> f64 {
    if evidence.shift_half_hours == 0 {
        return IMPOSSIBLE;
    }
    let half_hour = if evidence.shift_half_hours % 2 == 0 { 0.0 } else { zone_shift::HALF_HOUR };
    zone_shift::PRIOR
        + labels(evidence)
        + half_hour
        + flag(evidence.is_wall_clock_equal, zone_shift::WALL_CLOCK)
        + flag(evidence.is_start_round, zone_shift::ROUND_START)
        + read(zone_shift::RESIDUAL_S, evidence.shift_residual_ms.abs() as f64 / MS_PER_SECOND)
        + read(zone_shift::TIME, evidence.elapsed_difference)
        + read_known(zone_shift::DISTANCE, evidence.distance_difference)
}

fn hidden_start_log_odds(evidence: &Evidence) -> f64 {
    hidden_start::PRIOR
        + labels(evidence)
        + read(hidden_start::OUTSIDE_DAY_H, evidence.outside_day_ms as f64 / MS_PER_HOUR)
        + read(hidden_start::TIME, evidence.time_difference())
        + read_known(hidden_start::DISTANCE, evidence.distance_difference)
}

fn part_of_log_odds(evidence: &Evidence) -> f64 {
    if evidence.is_leg_of_multisport {
        return part_of::LEG_PRIOR
            + read(part_of::LEG_OUTSIDE, evidence.outside_share)
            + read(part_of::LEG_KEPT, evidence.kept_share);
    }
    if !matches!(evidence.sport, SportRelation::Equal | SportRelation::Family) {
        return IMPOSSIBLE;
    }
    part_of::PRIOR
        + labels(evidence)
        + read(part_of::EDGE_S, evidence.shared_edge_ms() as f64 / MS_PER_SECOND)
        + read(part_of::KEPT, evidence.kept_share)
        + read_known(part_of::PACE, evidence.pace_difference)
}

fn labels(evidence: &Evidence) -> f64 {
    weights::SPORT[evidence.sport as usize]
        + flag(evidence.is_same_device, weights::SAME_DEVICE)
        + flag(evidence.is_same_title, weights::SAME_TITLE)
}

fn flag(is_set: bool, weight: f64) -> f64 {
    if is_set { weight } else { 0.0 }
}

fn read_known(ramp: Ramp, value: Option<f64>) -> f64 {
    value.map_or(0.0, |value| read(ramp, value))
}

fn read(ramp: Ramp, value: f64) -> f64 {
    let Some(upper) = ramp.iter().position(|(at, _)| value <= *at) else {
        return ramp[ramp.len() - 1].1;
    };
    if upper == 0 {
        return ramp[0].1;
    }
    let ((x0, y0), (x1, y1)) = (ramp[upper - 1], ramp[upper]);
    y0 + (y1 - y0) * (value - x0) / (x1 - x0)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn ramp_is_flat_beyond_its_ends_and_straight_between() {
        let ramp = &[(1.0, 10.0), (3.0, 0.0)];
        assert!((read(ramp, 0.0) - 10.0).abs() < 1e-12);
        assert!((read(ramp, 2.0) - 5.0).abs() < 1e-12);
        assert!(read(ramp, 9.0).abs() < 1e-12);
    }
}
