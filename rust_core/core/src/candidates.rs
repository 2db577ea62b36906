//! Finds the pairs worth judging: an interval join by a sorted sweep.

use crate::errors::InvalidInput;
use crate::evidence::{Evidence, hides_start};
use crate::record::Record;
use crate::score::{Explanation, Verdict, judge};
use crate::weights::{DIFFERENT_TO, SAME_FROM};

/// Records of one workout may miss each other by this much (clock drift, typed-in starts).
const PAD_MS: i64 = 600_000;
/// A hidden start lies up to a day, and a change of clocks, from the true one.
const REACH_MS: i64 = 26 * 3_600_000;
const SHIFT_MS_MAX: i64 = 14 * 3_600_000 + SHIFT_RESIDUAL_MS_MAX;
const SHIFT_RESIDUAL_MS_MAX: i64 = 40_000;
const HALF_HOUR_MS: i64 = 1_800_000;
/// A shifted copy has like duration; this is well beyond where the score gives up.
const SHIFT_KEPT_SHARE_MIN: f64 = 0.94;
/// Bounds time and memory when somebody sends hundreds of records of the same minute.
const EDGE_COUNT_MAX: usize = 250_000;
/// A long history of like workouts has this many possible partners for each record.
const EDGES_PER_RECORD_MAX: usize = 32;

/// A judged pair; positions are those in the sorted lists.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Position of the source record.
    pub source: usize,
    /// Position of the destination record.
    pub destination: usize,
    /// The judgement.
    pub verdict: Verdict,
}

/// All judged pairs, by what the judgement allows.
#[derive(Debug, Default)]
pub struct Judged {
    /// Pairs that may be one record, by source, then destination.
    pub edges: Vec<Edge>,
    /// Pairs of which one is a piece of the other.
    pub parts: Vec<Edge>,
    /// Pairs that overlap such that the shorter lies inside the longer; material for [`crate::pieces`].
    pub nested: Vec<(usize, usize)>,
    /// The best refused pair of each source, for explanation.
    pub refused: Vec<Option<Edge>>,
}

/// Judges every pair of two canonically sorted lists that could be one record.
///
/// # Errors
/// So many records share their times that judging them would not end.
pub fn judge_candidates(
    sources: &[&Record],
    destinations: &[&Record],
    clock_offset_ms: i64,
) -> Result<Judged, InvalidInput> {
    let latest_ends = running_maximum(destinations);
    let mut judged = Judged { refused: vec![None; sources.len()], ..Judged::default() };
    for (source, a) in sources.iter().enumerate() {
        let upper_ms = a.start_ms + REACH_MS.max(a.elapsed_ms + PAD_MS + clock_offset_ms.abs());
        let upper = destinations.partition_point(|b| b.start_ms <= upper_ms);
        let lower_ms = a.start_ms - PAD_MS - clock_offset_ms.abs();
        let near = |position: &usize| {
            latest_ends[*position] >= lower_ms || destinations[*position].start_ms >= a.start_ms - REACH_MS
        };
        for destination in (0..upper).rev().take_while(near) {
            if is_candidate(a, destinations[destination], clock_offset_ms) {
                file(&mut judged, source, destination, &Evidence::of(a, destinations[destination], clock_offset_ms))?;
            }
        }
    }
    judged.edges.sort_unstable_by_key(|edge| (edge.source, edge.destination));
    judged.parts.sort_unstable_by_key(|edge| (edge.source, edge.destination));
    judged.nested.sort_unstable();
    Ok(judged)
}

fn file(judged: &mut Judged, source: usize, destination: usize, evidence: &Evidence) -> Result<(), InvalidInput> {
    let verdict = judge(evidence);
    let edge = Edge { source, destination, verdict };
    if crate::pieces::is_nested(evidence) {
        judged.nested.push((source, destination));
    }
    if verdict.explanation == Explanation::PartOf && verdict.log_odds >= SAME_FROM {
        judged.parts.push(edge);
    } else if verdict.log_odds > DIFFERENT_TO {
        judged.edges.push(edge);
    } else if judged.refused[source].is_none_or(|best| best.verdict.log_odds <= verdict.log_odds) {
        judged.refused[source] = Some(edge);
    }
    if judged.edges.len().max(judged.nested.len()).max(judged.parts.len())
        > EDGE_COUNT_MAX + EDGES_PER_RECORD_MAX * judged.refused.len()
    {
        return Err(InvalidInput::new("too many records share the same times"));
    }
    Ok(())
}

fn is_candidate(a: &Record, b: &Record, clock_offset_ms: i64) -> bool {
    if a.data_type != b.data_type {
        return false;
    }
    let gap_ms = b.start_ms - a.start_ms;
    let touches = |gap: i64| gap <= a.elapsed_ms + PAD_MS && gap >= -(b.elapsed_ms + PAD_MS);
    if touches(gap_ms) || touches(gap_ms - clock_offset_ms) {
        return true;
    }
    is_shifted(gap_ms, a.elapsed_ms, b.elapsed_ms) || (gap_ms.abs() <= REACH_MS && (hides_start(a) || hides_start(b)))
}

fn is_shifted(gap_ms: i64, one_ms: i64, other_ms: i64) -> bool {
    let residual_ms = (gap_ms + HALF_HOUR_MS / 2).rem_euclid(HALF_HOUR_MS) - HALF_HOUR_MS / 2;
    let (shorter, longer) = (one_ms.min(other_ms), one_ms.max(other_ms));
    gap_ms.abs() <= SHIFT_MS_MAX
        && residual_ms.abs() <= SHIFT_RESIDUAL_MS_MAX
        && shorter as f64 >= longer as f64 * SHIFT_KEPT_SHARE_MIN
}

fn running_maximum(records: &[&Record]) -> Vec<i64> {
    let ends = records.iter().map(|record| record.end_ms());
    ends.scan(i64::MIN, |latest, end| {
        *latest = (*latest).max(end);
        Some(*latest)
    })
    .collect()
}
