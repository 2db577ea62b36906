//! Recognises one record that the other side keeps in pieces.
//!
//! A piece alone can look like a trimmed copy. Several pieces side by side that cover the whole tell the truth.

use std::collections::BTreeMap;

use crate::candidates::{Edge, Judged};
use crate::evidence::Evidence;
use crate::record::Record;
use crate::score::{Explanation, Verdict};
use crate::sport::SportRelation;
use crate::weights::part_of::{COVER_MIN, PIECE_OVERLAP_MS_MAX};

/// What lies outside the whole must be less than this share of the piece.
const OUTSIDE_SHARE_MAX: f64 = 0.03;
/// A larger share of the whole is a trimmed copy, however many small pieces lie beside it.
const KEPT_SHARE_MAX: f64 = 0.85;
/// Distances of all pieces add up to that of the whole within this share.
const DISTANCE_SHARE_MAX: f64 = 0.03;
/// The log-odds given to each piece of a covered whole.
const PIECE_LOG_ODDS: f64 = 4.0;

/// Returns whether the shorter record could be a piece of the longer.
pub(crate) fn is_nested(evidence: &Evidence) -> bool {
    evidence.outside_share <= OUTSIDE_SHARE_MAX
        && evidence.kept_share <= KEPT_SHARE_MAX
        && matches!(evidence.sport, SportRelation::Equal | SportRelation::Family)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whole {
    Source(usize),
    Destination(usize),
}

/// Moves pairs that are pieces of a covered whole from the possible pairings to the parts.
pub(crate) fn separate(judged: &mut Judged, sources: &[&Record], destinations: &[&Record]) {
    let mut groups: BTreeMap<Whole, Vec<usize>> = BTreeMap::new();
    for &(source, destination) in &judged.nested {
        if sources[source].elapsed_ms > destinations[destination].elapsed_ms {
            groups.entry(Whole::Source(source)).or_default().push(destination);
        } else {
            groups.entry(Whole::Destination(destination)).or_default().push(source);
        }
    }
    let mut moved: Vec<(usize, usize)> = Vec::new();
    for (whole, pieces) in groups {
        match whole {
            Whole::Source(source) if is_covered(sources[source], &pieces, destinations) => {
                moved.extend(pieces.iter().map(|destination| (source, *destination)));
            }
            Whole::Destination(destination) if is_covered(destinations[destination], &pieces, sources) => {
                moved.extend(pieces.iter().map(|source| (*source, destination)));
            }
            _ => {}
        }
    }
    moved.sort_unstable();
    let is_moved = |edge: &Edge| moved.binary_search(&(edge.source, edge.destination)).is_ok();
    judged.edges.retain(|edge| !is_moved(edge));
    judged.parts.retain(|edge| !is_moved(edge));
    let verdict = Verdict { explanation: Explanation::PartOf, log_odds: PIECE_LOG_ODDS };
    judged.parts.extend(moved.iter().map(|&(source, destination)| Edge { source, destination, verdict }));
    judged.parts.sort_unstable_by_key(|edge| (edge.source, edge.destination));
}

/// Returns whether pieces that follow each other cover the whole, in time or in distance.
fn is_covered(whole: &Record, pieces: &[usize], records: &[&Record]) -> bool {
    let mut sorted: Vec<usize> = pieces.to_vec();
    sorted.sort_unstable();
    let (mut count, mut covered_ms, mut covered_m, mut end_ms) = (0, 0, 0.0, i64::MIN);
    for piece in sorted.into_iter().map(|position| records[position]) {
        if piece.start_ms < end_ms.saturating_sub(PIECE_OVERLAP_MS_MAX) {
            continue;
        }
        count += 1;
        covered_ms += piece.elapsed_ms;
        covered_m += piece.distance_m.unwrap_or(0.0);
        end_ms = piece.end_ms();
    }
    let is_time_covered = covered_ms as f64 >= whole.elapsed_ms as f64 * COVER_MIN;
    let is_distance_covered = whole
        .distance_m
        .is_some_and(|distance| distance > 0.0 && (covered_m - distance).abs() <= distance * DISTANCE_SHARE_MAX);
    count >= 2 && (is_time_covered || is_distance_covered)
}
