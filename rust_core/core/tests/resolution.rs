//! What must hold for any window, tried without Python in between.

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use syncwell_core::decision::{Action, Strategy as Wins};
use syncwell_core::record::{DataType, Record};
use syncwell_core::request::Request;
use syncwell_core::resolution::resolve;
use syncwell_core::sport::Sport;

const NOON_MS: i64 = 1_700_000_000_000;

fn record() -> impl Strategy<Value = Record> {
    let start_s = prop_oneof![Just(0), Just(45), Just(3_600), Just(-9_000), 0..40_000_i64];
    let elapsed_s = prop_oneof![Just(60), Just(600), Just(1_800), Just(1_803), Just(3_600)];
    let distance_m = proptest::option::of(prop_oneof![Just(0.0), Just(1_000.0), Just(5_000.0), Just(5_010.0)]);
    (start_s, elapsed_s, distance_m, 1..=40_i64, any::<bool>(), 0..8_u8).prop_map(
        |(start_s, elapsed_s, distance_m, sport, is_manual, hidden)| Record {
            id: String::new(),
            data_type: DataType::Workout,
            sport: Sport::new(if sport > 20 { 1 } else { sport }).expect("a sport"),
            start_ms: NOON_MS + start_s * 1_000,
            elapsed_ms: elapsed_s * 1_000,
            moving_ms: None,
            distance_m,
            utc_offset_s: Some(0),
            modified_ms: None,
            version: String::new(),
            external_id: String::new(),
            device_name: String::new(),
            is_start_hidden: hidden == 0,
            is_manual,
            title: String::new(),
            notes: String::new(),
        },
    )
}

fn request(sources: Vec<Record>, destinations: Vec<Record>) -> Request {
    Request {
        sources,
        destinations,
        links: Vec::new(),
        echoes: HashSet::new(),
        tombstones: HashSet::new(),
        strategy: Wins::SmartMerge,
        is_updatable: [true; 3],
        key: [7; 16],
        clock_offset_ms: 0,
        is_complete: true,
    }
}

fn named(prefix: &str, mut records: Vec<Record>) -> Vec<Record> {
    for (index, record) in records.iter_mut().enumerate() {
        record.id = format!("{prefix}{index}");
    }
    records
}

fn windows(count_max: usize) -> impl Strategy<Value = Request> {
    let side = || proptest::collection::vec(record(), 0..count_max);
    (side(), side()).prop_map(|(ours, theirs)| request(named("s", ours), named("d", theirs)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn order_changes_nothing(window in windows(10)) {
        let mut reversed = window.clone();
        reversed.sources.reverse();
        reversed.destinations.reverse();
        let mut decisions = resolve(&reversed).expect("a valid window");
        decisions.reverse();
        prop_assert_eq!(resolve(&window).expect("a valid window"), decisions);
    }

    #[test]
    fn no_destination_becomes_two_copies(window in windows(12)) {
        let decisions = resolve(&window).expect("a valid window");
        prop_assert_eq!(decisions.len(), window.sources.len());
        let mut used = HashSet::new();
        for decision in decisions.into_iter().filter(|decision| decision.action == Action::Link) {
            prop_assert!(used.insert(decision.destination_id.expect("a linked record")));
        }
    }

    #[test]
    fn any_numbers_are_refused_or_decided(
        start_ms in any::<i64>(), elapsed_ms in any::<i64>(), distance_m in any::<f64>(),
        offset in any::<i64>(), clock_offset_ms in any::<i64>(), base in record(),
    ) {
        let wild = Record {
            id: "w".into(), start_ms, elapsed_ms, distance_m: Some(distance_m), utc_offset_s: Some(offset), ..base
        };
        let mut window = request(vec![wild.clone()], vec![wild]);
        window.clock_offset_ms = clock_offset_ms;
        prop_assert!(resolve(&window).is_ok_and(|decisions| decisions.len() == 1) || resolve(&window).is_err());
    }
}

#[test]
fn hundreds_of_equal_records_are_paired_one_to_one() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let one = record().new_tree(&mut runner).expect("a record").current();
    let many = |prefix: &str| named(prefix, vec![one.clone(); 300]);
    let decisions = resolve(&request(many("s"), many("d"))).expect("a valid window");
    let linked: HashSet<_> = decisions.iter().filter_map(|decision| decision.destination_id.as_ref()).collect();
    assert_eq!(linked.len(), 300);
}

#[test]
fn absurd_crowds_are_refused() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let one = record().new_tree(&mut runner).expect("a record").current();
    let many = |prefix: &str| named(prefix, vec![one.clone(); 2_000]);
    assert!(resolve(&request(many("s"), many("d"))).is_err());
}
