//! Budgets: what headers, losses and leases do to a count.

use syncwell_core::budget::{Budget, BudgetRules, Grant};
use syncwell_core::budget_table::BudgetTable;
use syncwell_core::window::WindowRule;

const LENGTH_MS: i64 = 900_000;
const START_MS: i64 = 10 * LENGTH_MS;

fn rules(limit: u32, is_tracking: bool) -> BudgetRules {
    let windows = vec![WindowRule { limit, length_ms: LENGTH_MS }];
    BudgetRules::new(windows, None, [0, 100, 300], is_tracking).expect("valid rules")
}

fn take_all(budget: &mut Budget, rules: &BudgetRules, now_ms: i64) -> u32 {
    (0..1_000).filter(|_| budget.try_take(rules, 1, 0, now_ms) == Ok(0)).map(|_| 1).sum()
}

#[test]
fn lower_priorities_leave_their_reserve() {
    let rules = rules(100, false);
    let mut budget = Budget::new(&rules);
    let mut taken = |priority| (0..200).filter(|_| budget.try_take(&rules, 1, priority, START_MS) == Ok(0)).count();
    assert_eq!([taken(2), taken(1), taken(0)], [70, 20, 10]);
}

#[test]
fn header_raises_and_never_lowers_the_count() {
    let rules = rules(100, false);
    let mut budget = Budget::new(&rules);
    budget.try_take(&rules, 30, 0, START_MS).expect("in range");
    budget.observe(&rules, 0, 90, 100, START_MS).expect("in range");
    budget.observe(&rules, 0, 10, 100, START_MS).expect("in range");
    assert_eq!(take_all(&mut budget, &rules, START_MS), 10);
}

#[test]
fn header_counts_calls_under_way_on_top() {
    let rules = rules(100, true);
    let mut budget = Budget::new(&rules);
    budget.try_take(&rules, 5, 0, START_MS).expect("in range");
    budget.observe(&rules, 0, 90, 100, START_MS).expect("in range");
    assert_eq!(take_all(&mut budget, &rules, START_MS), 5);
}

#[test]
fn lowered_limit_is_obeyed_in_the_next_window_too() {
    let rules = rules(100, false);
    let mut budget = Budget::new(&rules);
    budget.observe(&rules, 0, 0, 40, START_MS).expect("in range");
    assert_eq!(take_all(&mut budget, &rules, START_MS + LENGTH_MS), 40);
}

#[test]
fn lost_window_is_spent_until_a_header_or_its_end() {
    let rules = rules(100, false);
    let mut budget = Budget::new(&rules);
    budget.mark_lost(&rules, START_MS + 1).expect("in range");
    assert_eq!(budget.try_take(&rules, 1, 0, START_MS + 1), Ok(LENGTH_MS - 1));
    budget.observe(&rules, 0, 97, 100, START_MS + 2).expect("in range");
    assert_eq!(take_all(&mut budget, &rules, START_MS + 2), 3);
    budget.mark_lost(&rules, START_MS + 3).expect("in range");
    assert_eq!(take_all(&mut budget, &rules, START_MS + LENGTH_MS), 100);
}

#[test]
fn clock_that_steps_back_opens_no_old_window() {
    let rules = rules(10, false);
    let mut budget = Budget::new(&rules);
    assert_eq!(take_all(&mut budget, &rules, START_MS), 10);
    assert_eq!(take_all(&mut budget, &rules, START_MS - 1), 0);
}

#[test]
fn lease_is_carved_out_and_comes_back_within_its_window_only() {
    let rules = rules(100, false);
    let mut budget = Budget::new(&rules);
    let grant = budget.lease(&rules, 500, 1, START_MS + 5).expect("in range");
    assert_eq!(grant, Grant { count: 90, expires_ms: START_MS + LENGTH_MS });
    budget.give_back(&rules, 40, START_MS + 5, START_MS + 6).expect("in range");
    assert_eq!(take_all(&mut budget, &rules, START_MS + 7), 50);
    budget.give_back(&rules, 50, START_MS + 5, START_MS + LENGTH_MS).expect("in range");
    assert_eq!(take_all(&mut budget, &rules, START_MS + LENGTH_MS), 100);
}

#[test]
fn full_table_tells_a_new_key_to_wait() {
    let mut table = BudgetTable::new(rules(10, false), 2).expect("a capacity");
    for key in ["one", "two"] {
        assert_eq!(table.try_take(key, 1, 0, START_MS), Ok(0));
    }
    assert_eq!(table.try_take("three", 1, 0, START_MS + 1), Ok(LENGTH_MS - 1));
    assert_eq!(table.try_take("three", 1, 0, START_MS + LENGTH_MS), Ok(0));
    assert_eq!(table.len(), 2);
}

#[test]
fn nonsense_is_refused() {
    let rules = rules(10, false);
    let mut budget = Budget::new(&rules);
    for (cost, priority, now_ms) in [(0, 0, 0), (11, 0, 0), (1, 3, 0), (1, 0, -1), (1, 0, i64::MAX), (1, 0, i64::MIN)] {
        assert!(budget.try_take(&rules, cost, priority, now_ms).is_err());
    }
    assert!(budget.observe(&rules, 1, 0, 10, 0).is_err());
    assert!(BudgetRules::new(Vec::new(), None, [0; 3], false).is_err());
    assert!(BudgetTable::new(rules, 0).is_err());
}
