//! The field plan: a three-way merge by fingerprints.
//!
//! The base of a field is the fingerprint of the last value carried over. It moves only when a value is carried over
//! or both sides agree, so an edit that was kept at the destination is still known as one in the next run.

use crate::decision::Strategy;
use crate::field::{FIELDS, Field, PerField, fingerprints};
use crate::fingerprint::KEY_LENGTH;
use crate::record::Record;

/// What to write and what was found, per field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is one independent observation
pub(crate) struct Plan {
    pub(crate) is_written: PerField<bool>,
    pub(crate) base: PerField<Option<u64>>,
    pub(crate) has_source_edit: bool,
    pub(crate) has_destination_edit: bool,
    /// A value differs and the strategy keeps the destination's.
    pub(crate) has_kept: bool,
    /// Both sides changed one field to different values and nothing says which is right.
    pub(crate) has_clash: bool,
    /// A field differed and had no base.
    pub(crate) has_no_base: bool,
    /// `newest_wins` had no modified time to go by.
    pub(crate) lacks_times: bool,
    /// A value should be written but the destination cannot change it.
    pub(crate) has_fixed: bool,
}

/// What the plan depends on besides the two records.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) strategy: Strategy,
    pub(crate) is_updatable: PerField<bool>,
    pub(crate) key: &'a [u8; KEY_LENGTH],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    None,
    Source,
    Destination,
    Both,
    Unknown,
}

/// Plans the fields of a pair whose two sides are known.
pub(crate) fn plan(source: &Record, destination: &Record, base: PerField<Option<u64>>, rules: Rules<'_>) -> Plan {
    let (ours, theirs) = (fingerprints(source, rules.key), fingerprints(destination, rules.key));
    let mut plan = Plan::default();
    for (index, field) in FIELDS.into_iter().enumerate() {
        let (our, their) = (ours[index], theirs[index]);
        let change = change(field, source, destination, base[index], our, their);
        plan.note(change);
        plan.base[index] = match change {
            Change::None => base[index].or(Some(our)),
            _ if our == their => Some(our),
            _ => base[index].or(Some(our)),
        };
        if change != Change::None && our != their {
            plan.settle(index, change, wins(change, source, destination, rules.strategy), our, rules);
        }
    }
    plan
}

/// Plans the fields of a pair whose destination was not fetched: only what the source changed is known.
pub(crate) fn plan_unseen(source: &Record, base: PerField<Option<u64>>, rules: Rules<'_>) -> Plan {
    let ours = fingerprints(source, rules.key);
    let mut plan = Plan { base, ..Plan::default() };
    for index in 0..FIELDS.len() {
        if base[index].is_some_and(|base| base != ours[index]) {
            plan.note(Change::Source);
            let side = if rules.strategy == Strategy::DestinationWins { Side::Destination } else { Side::Source };
            plan.settle(index, Change::Source, side, ours[index], rules);
        }
    }
    plan
}

fn change(field: Field, source: &Record, destination: &Record, base: Option<u64>, our: u64, their: u64) -> Change {
    let agrees = field.agrees(source, destination, our == their);
    match base {
        None if agrees => Change::None,
        None => Change::Unknown,
        Some(base) if our == base && agrees => Change::None,
        Some(base) if our == base => Change::Destination,
        Some(_) if our == their => Change::Both,
        Some(base) if their == base || agrees => Change::Source,
        Some(_) => Change::Both,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Destination,
    Neither,
    /// The destination, for want of times.
    Untimed,
}

fn wins(change: Change, source: &Record, destination: &Record, strategy: Strategy) -> Side {
    match (strategy, change) {
        (Strategy::SourceWins, _) | (Strategy::NewestWins | Strategy::SmartMerge, Change::Source) => Side::Source,
        (Strategy::DestinationWins, _)
        | (Strategy::NewestWins, Change::Destination)
        | (Strategy::SmartMerge, Change::Destination | Change::Unknown) => Side::Destination,
        (Strategy::SmartMerge, _) => Side::Neither,
        (Strategy::NewestWins, _) => match (source.modified_ms, destination.modified_ms) {
            (Some(ours), Some(theirs)) if ours > theirs => Side::Source,
            (Some(_), Some(_)) => Side::Destination,
            _ if change == Change::Unknown => Side::Untimed,
            _ => Side::Neither,
        },
    }
}

impl Plan {
    fn note(&mut self, change: Change) {
        self.has_source_edit |= matches!(change, Change::Source | Change::Both);
        self.has_destination_edit |= matches!(change, Change::Destination | Change::Both);
        self.has_no_base |= change == Change::Unknown;
    }

    fn settle(&mut self, index: usize, change: Change, side: Side, our: u64, rules: Rules<'_>) {
        self.lacks_times |= side == Side::Untimed || (side == Side::Neither && rules.strategy == Strategy::NewestWins);
        match side {
            Side::Source if rules.is_updatable[index] => {
                self.is_written[index] = true;
                self.base[index] = Some(our);
            }
            Side::Source => self.has_fixed = true,
            Side::Neither => self.has_clash = true,
            Side::Destination | Side::Untimed => self.has_kept |= change != Change::Unknown || side != Side::Untimed,
        }
    }
}
