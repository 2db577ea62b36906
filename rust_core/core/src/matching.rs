//! Decides for each source record whether a destination record is the same workout: yes, no, or ask.

use crate::assignment::{Gain, OPTIMAL_SIDE_MAX, assign, total};
use crate::candidates::{Edge, judge_candidates};
use crate::errors::InvalidInput;
use crate::pieces;
use crate::record::Record;
use crate::weights::{DIFFERENT_TO, MARGIN, MARGIN_OF_MOVED, SAME_FROM};

/// Log-odds become integers of this resolution.
const WEIGHT_SCALE: f64 = 1_000_000.0;

/// What became of one source record.
#[derive(Clone, Copy, Debug)]
pub enum Found {
    /// It is this destination record.
    Same(Edge),
    /// It may be this one; a person must say.
    Unsure(Edge),
    /// It is a piece of this one, or this one a piece of it.
    Part(Edge),
    /// It is new; the best refused pair, if any was judged.
    New(Option<Edge>),
}

/// Matches canonically sorted sources with canonically sorted destinations.
///
/// Only free records are paired; a record that is not free can still be the whole or the piece of another. Sure pairs
/// are settled first and leave the pool; whoever still has a possible partner then is unsure. So a later run without
/// the settled records gives the same answers for the rest.
///
/// # Errors
/// So many records share their times that judging them would not end.
pub fn match_records(
    sources: &[&Record],
    destinations: &[&Record],
    is_source_free: &[bool],
    is_destination_free: &[bool],
    clock_offset_ms: i64,
) -> Result<Vec<Found>, InvalidInput> {
    let mut judged = judge_candidates(sources, destinations, clock_offset_ms)?;
    pieces::separate(&mut judged, sources, destinations);
    let mut found: Vec<Found> = judged.refused.iter().map(|edge| Found::New(*edge)).collect();
    for edge in &judged.parts {
        let is_better = match found[edge.source] {
            Found::Part(best) => edge.verdict.log_odds > best.verdict.log_odds,
            _ => true,
        };
        if is_better {
            found[edge.source] = Found::Part(*edge);
        }
    }
    let mut open = judged.edges;
    open.retain(|edge| is_source_free[edge.source] && is_destination_free[edge.destination]);
    let arena = Arena { sources, destinations };
    loop {
        let settled: Vec<Edge> = components(&open).iter().flat_map(|component| arena.settle(component)).collect();
        if settled.is_empty() {
            break;
        }
        let (mut is_source_gone, mut is_gone) = (vec![false; sources.len()], vec![false; destinations.len()]);
        for edge in settled {
            found[edge.source] = Found::Same(edge);
            is_source_gone[edge.source] = true;
            is_gone[edge.destination] = true;
        }
        open.retain(|edge| !is_source_gone[edge.source] && !is_gone[edge.destination]);
    }
    for edge in open {
        let is_better = match found[edge.source] {
            Found::Unsure(best) => edge.verdict.log_odds > best.verdict.log_odds,
            _ => true,
        };
        if is_better {
            found[edge.source] = Found::Unsure(edge);
        }
    }
    Ok(found)
}

struct Arena<'a> {
    sources: &'a [&'a Record],
    destinations: &'a [&'a Record],
}

impl Arena<'_> {
    /// Returns the pairs of the best plan that are sure and that no other plan comes near.
    fn settle(&self, component: &[Edge]) -> Vec<Edge> {
        if let [edge] = component {
            return if edge.verdict.log_odds >= SAME_FROM { vec![*edge] } else { Vec::new() };
        }
        let plan = Plan::new(component);
        let assignment = assign(plan.rows.len(), plan.columns.len(), &plan.gains);
        let worth = total(&assignment, &plan.gains);
        let chosen = component.iter().zip(&plan.gains).filter(|(_, gain)| assignment[gain.row] == Some(gain.column));
        chosen
            .filter(|(edge, _)| edge.verdict.log_odds >= SAME_FROM)
            .filter(|(edge, gain)| self.is_uncontested(edge, gain, component, &plan, worth))
            .map(|(edge, _)| *edge)
            .collect()
    }

    /// Returns whether every plan without this pair is worth clearly less.
    ///
    /// A second copy of either record is no rival: whichever copy is taken, it is the same workout.
    fn is_uncontested(&self, edge: &Edge, gain: &Gain, component: &[Edge], plan: &Plan, worth: i64) -> bool {
        let is_beside = |other: &Edge| (other.source == edge.source) != (other.destination == edge.destination);
        let is_rival = |other: &Edge| is_beside(other) && !self.is_copy(edge, other);
        let beside = plan.by_row[gain.row].iter().chain(&plan.by_column[gain.column]).map(|place| &component[*place]);
        let rivals: Vec<&Edge> = beside.filter(|other| is_rival(other)).collect();
        let is_moved = edge.verdict.explanation.is_moved() || rivals.iter().any(|r| r.verdict.explanation.is_moved());
        let margin = weight(if is_moved { MARGIN_OF_MOVED } else { MARGIN });
        // A plan without the pair gains at most the best rival on either side: most pairs need no second search.
        let best = |is_source: bool| {
            let beside = rivals.iter().filter(|rival| (rival.source == edge.source) == is_source);
            beside.map(|rival| weight_of(rival)).max().unwrap_or(0)
        };
        if rivals.is_empty() || gain.weight - best(true) - best(false) >= margin {
            return true;
        }
        if plan.rows.len().max(plan.columns.len()) > OPTIMAL_SIDE_MAX {
            return false;
        }
        let is_edge = |other: &Edge| other.source == edge.source && other.destination == edge.destination;
        let is_allowed = |other: &Edge| !is_edge(other) && (!is_beside(other) || is_rival(other));
        let allowed = component.iter().zip(&plan.gains).filter(|(other, _)| is_allowed(other));
        let gains: Vec<Gain> = allowed.map(|(_, gain)| *gain).collect();
        worth - total(&assign(plan.rows.len(), plan.columns.len(), &gains), &gains) >= margin
    }

    fn is_copy(&self, edge: &Edge, other: &Edge) -> bool {
        if edge.source == other.source {
            is_concurrent(self.destinations[edge.destination], self.destinations[other.destination])
        } else {
            is_concurrent(self.sources[edge.source], self.sources[other.source])
        }
    }
}

/// Returns whether two records of one side share most of their time: nobody does two workouts at once.
fn is_concurrent(one: &Record, two: &Record) -> bool {
    let overlap_ms = one.end_ms().min(two.end_ms()) - one.start_ms.max(two.start_ms);
    overlap_ms.saturating_mul(2) >= one.elapsed_ms.min(two.elapsed_ms).max(1)
}

/// The edges of one component under dense numbers.
struct Plan {
    rows: Vec<usize>,
    columns: Vec<usize>,
    gains: Vec<Gain>,
    /// Places of the edges of each row and of each column.
    by_row: Vec<Vec<usize>>,
    by_column: Vec<Vec<usize>>,
}

impl Plan {
    fn new(component: &[Edge]) -> Self {
        let rows = distinct(component.iter().map(|edge| edge.source));
        let columns = distinct(component.iter().map(|edge| edge.destination));
        let place = |list: &[usize], value: usize| list.partition_point(|other| *other < value);
        let gain = |edge: &Edge| Gain {
            row: place(&rows, edge.source),
            column: place(&columns, edge.destination),
            weight: weight_of(edge),
        };
        let gains: Vec<Gain> = component.iter().map(gain).collect();
        let (mut by_row, mut by_column) = (vec![Vec::new(); rows.len()], vec![Vec::new(); columns.len()]);
        for (place, gain) in gains.iter().enumerate() {
            by_row[gain.row].push(place);
            by_column[gain.column].push(place);
        }
        Self { rows, columns, gains, by_row, by_column }
    }
}

fn distinct(values: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut list: Vec<usize> = values.collect();
    list.sort_unstable();
    list.dedup();
    list
}

fn weight_of(edge: &Edge) -> i64 {
    weight(edge.verdict.log_odds - DIFFERENT_TO)
}

#[allow(clippy::cast_possible_truncation)] // log-odds are sums of a dozen small numbers
fn weight(log_odds: f64) -> i64 {
    (log_odds * WEIGHT_SCALE).round() as i64
}

/// Splits edges (sorted by source) into connected components, each sorted as the edges were.
fn components(edges: &[Edge]) -> Vec<Vec<Edge>> {
    let source_count = edges.iter().map(|edge| edge.source + 1).max().unwrap_or(0);
    let destination_count = edges.iter().map(|edge| edge.destination + 1).max().unwrap_or(0);
    let mut parents: Vec<usize> = (0..source_count + destination_count).collect();
    for edge in edges {
        let (one, two) = (root(&mut parents, edge.source), root(&mut parents, source_count + edge.destination));
        parents[one.max(two)] = one.min(two);
    }
    let mut places = vec![usize::MAX; parents.len()];
    let mut list: Vec<Vec<Edge>> = Vec::new();
    for edge in edges {
        let root = root(&mut parents, edge.source);
        if places[root] == usize::MAX {
            places[root] = list.len();
            list.push(Vec::new());
        }
        list[places[root]].push(*edge);
    }
    list
}

fn root(parents: &mut [usize], node: usize) -> usize {
    let mut node = node;
    while parents[node] != node {
        parents[node] = parents[parents[node]];
        node = parents[node];
    }
    node
}
