//! Best one-to-one assignment on a small bipartite graph.
//!
//! Weights are integers, so that sums do not depend on their order.

/// Up to this many nodes on a side the assignment is optimal; beyond, greedy with augmentation.
pub const OPTIMAL_SIDE_MAX: usize = 64;

const AUGMENTATION_ROUNDS: usize = 4;

/// A possible pairing of row and column with its gain, which is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gain {
    /// Row, from 0.
    pub row: usize,
    /// Column, from 0.
    pub column: usize,
    /// What choosing this pairing is worth.
    pub weight: i64,
}

/// Returns for each row its column, such that the sum of gains is largest; a row may stay alone.
///
/// Deterministic for a given numbering of rows and columns. For more than [`OPTIMAL_SIDE_MAX`] rows or columns the sum
/// may fall short of the largest.
#[must_use]
pub fn assign(row_count: usize, column_count: usize, gains: &[Gain]) -> Vec<Option<usize>> {
    if row_count.max(column_count) <= OPTIMAL_SIDE_MAX {
        optimal(row_count, column_count, gains)
    } else {
        greedy(row_count, column_count, gains)
    }
}

/// Returns the sum of the gains that an assignment uses.
#[must_use]
pub fn total(assignment: &[Option<usize>], gains: &[Gain]) -> i64 {
    gains.iter().filter(|gain| assignment[gain.row] == Some(gain.column)).map(|gain| gain.weight).sum()
}

/// The Hungarian method with potentials; every row has a column of its own in which it stays alone at no gain.
fn optimal(row_count: usize, column_count: usize, gains: &[Gain]) -> Vec<Option<usize>> {
    let width = column_count + row_count;
    let mut costs = vec![0_i64; row_count * width];
    for gain in gains {
        let cell = &mut costs[gain.row * width + gain.column];
        *cell = (*cell).min(-gain.weight);
    }
    let mut solver = Hungarian::new(row_count, width);
    for row in 0..row_count {
        solver.insert(row, &costs);
    }
    let mut assignment = vec![None; row_count];
    for (column, row) in solver.row_of.iter().enumerate().take(column_count) {
        if let Some(row) = *row
            && costs[row * width + column] < 0
        {
            assignment[row] = Some(column);
        }
    }
    assignment
}

struct Hungarian {
    width: usize,
    row_potential: Vec<i64>,
    column_potential: Vec<i64>,
    row_of: Vec<Option<usize>>,
}

impl Hungarian {
    fn new(row_count: usize, width: usize) -> Self {
        let (row_potential, column_potential) = (vec![0; row_count], vec![0; width]);
        Self { width, row_potential, column_potential, row_of: vec![None; width] }
    }

    /// Adds one row along the cheapest alternating path.
    fn insert(&mut self, row: usize, costs: &[i64]) {
        let mut slack = vec![i64::MAX; self.width];
        let mut came_from: Vec<Option<usize>> = vec![None; self.width];
        let mut is_done = vec![false; self.width];
        let (mut at_row, mut at_column) = (row, None);
        let mut visited_rows = vec![row];
        let end = loop {
            let (column, delta) = self.relax(at_row, at_column, costs, &mut slack, &mut came_from, &is_done);
            self.shift(delta, &visited_rows, &is_done, &mut slack);
            is_done[column] = true;
            let Some(next_row) = self.row_of[column] else { break column };
            visited_rows.push(next_row);
            (at_row, at_column) = (next_row, Some(column));
        };
        self.flip(row, end, &came_from);
    }

    /// Improves the distances over `at_row`; returns the nearest column not yet done.
    fn relax(
        &self,
        at_row: usize,
        at_column: Option<usize>,
        costs: &[i64],
        slack: &mut [i64],
        came_from: &mut [Option<usize>],
        is_done: &[bool],
    ) -> (usize, i64) {
        let (mut nearest, mut delta) = (0, i64::MAX);
        for column in (0..self.width).filter(|column| !is_done[*column]) {
            let cost = costs[at_row * self.width + column] - self.row_potential[at_row] - self.column_potential[column];
            if cost < slack[column] {
                slack[column] = cost;
                came_from[column] = at_column;
            }
            if slack[column] < delta {
                (nearest, delta) = (column, slack[column]);
            }
        }
        (nearest, delta)
    }

    fn shift(&mut self, delta: i64, visited_rows: &[usize], is_done: &[bool], slack: &mut [i64]) {
        for row in visited_rows {
            self.row_potential[*row] += delta;
        }
        for column in 0..self.width {
            if is_done[column] {
                self.column_potential[column] -= delta;
            } else if slack[column] != i64::MAX {
                slack[column] -= delta;
            }
        }
    }

    fn flip(&mut self, row: usize, end: usize, came_from: &[Option<usize>]) {
        let mut column = end;
        while let Some(previous) = came_from[column] {
            self.row_of[column] = self.row_of[previous];
            column = previous;
        }
        self.row_of[column] = Some(row);
    }
}

/// Takes the largest gains first, then lets rows that stayed alone push others to their second choice.
fn greedy(row_count: usize, column_count: usize, gains: &[Gain]) -> Vec<Option<usize>> {
    let mut sorted = gains.to_vec();
    sorted.sort_unstable_by_key(|gain| (-gain.weight, gain.row, gain.column));
    let mut choice: Vec<Option<Gain>> = vec![None; row_count];
    let mut taken: Vec<Option<usize>> = vec![None; column_count];
    for gain in &sorted {
        if choice[gain.row].is_none() && taken[gain.column].is_none() {
            choice[gain.row] = Some(*gain);
            taken[gain.column] = Some(gain.row);
        }
    }
    let mut by_row: Vec<Vec<Gain>> = vec![Vec::new(); row_count];
    for gain in &sorted {
        by_row[gain.row].push(*gain);
    }
    for _ in 0..AUGMENTATION_ROUNDS {
        if !augment(&sorted, &by_row, &mut choice, &mut taken) {
            break;
        }
    }
    choice.into_iter().map(|gain| gain.map(|gain| gain.column)).collect()
}

fn augment(sorted: &[Gain], by_row: &[Vec<Gain>], choice: &mut [Option<Gain>], taken: &mut [Option<usize>]) -> bool {
    let mut has_changed = false;
    for gain in sorted.iter().filter(|gain| gain.weight > 0) {
        if choice[gain.row].is_some() {
            continue;
        }
        let Some(other) = taken[gain.column] else { continue };
        let Some(held) = choice[other] else { continue };
        let Some(second) = by_row[other].iter().find(|option| taken[option.column].is_none()) else { continue };
        if gain.weight + second.weight > held.weight {
            choice[gain.row] = Some(*gain);
            taken[gain.column] = Some(gain.row);
            choice[other] = Some(*second);
            taken[second.column] = Some(other);
            has_changed = true;
        }
    }
    has_changed
}
