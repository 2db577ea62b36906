//! The assignment against every possible one.

use proptest::prelude::*;
use syncwell_core::assignment::{Gain, OPTIMAL_SIDE_MAX, assign, total};

/// Tries every way to give each row one column or none.
fn best_by_trying(row: usize, row_count: usize, is_taken: &mut [bool], gains: &[Gain]) -> i64 {
    if row == row_count {
        return 0;
    }
    let mut best = best_by_trying(row + 1, row_count, is_taken, gains);
    for gain in gains.iter().filter(|gain| gain.row == row) {
        if !is_taken[gain.column] {
            is_taken[gain.column] = true;
            best = best.max(gain.weight + best_by_trying(row + 1, row_count, is_taken, gains));
            is_taken[gain.column] = false;
        }
    }
    best
}

fn graphs(side_max: usize) -> impl Strategy<Value = (usize, usize, Vec<Gain>)> {
    (1..=side_max, 1..=side_max).prop_flat_map(|(rows, columns)| {
        let cells = proptest::collection::vec(proptest::option::of(1..50_i64), rows * columns);
        cells.prop_map(move |cells| {
            let gain = |(cell, weight): (usize, Option<i64>)| {
                weight.map(|weight| Gain { row: cell / columns, column: cell % columns, weight })
            };
            (rows, columns, cells.into_iter().enumerate().filter_map(gain).collect())
        })
    })
}

fn assert_one_to_one(assignment: &[Option<usize>]) {
    let mut columns: Vec<usize> = assignment.iter().flatten().copied().collect();
    let count = columns.len();
    columns.sort_unstable();
    columns.dedup();
    assert_eq!(columns.len(), count, "a column is used twice");
}

proptest! {
    #[test]
    fn small_assignments_are_the_best((rows, columns, gains) in graphs(6)) {
        let assignment = assign(rows, columns, &gains);
        assert_one_to_one(&assignment);
        prop_assert_eq!(total(&assignment, &gains), best_by_trying(0, rows, &mut vec![false; columns], &gains));
    }

    #[test]
    fn giants_are_one_to_one_and_at_least_half_of_the_best((rows, columns, gains) in graphs(6)) {
        let assignment = assign(OPTIMAL_SIDE_MAX + rows, columns, &gains);
        assert_one_to_one(&assignment);
        let best = best_by_trying(0, rows, &mut vec![false; columns], &gains);
        prop_assert!(total(&assignment, &gains) * 2 >= best);
    }
}

#[test]
fn giant_lets_an_evicted_row_take_its_second_choice() {
    let gain = |row, column, weight| Gain { row, column, weight };
    let gains = [gain(0, 0, 10), gain(0, 1, 9), gain(1, 0, 8)];
    let assignment = assign(OPTIMAL_SIDE_MAX + 1, 2, &gains);
    assert_eq!(total(&assignment, &gains), 17);
}
