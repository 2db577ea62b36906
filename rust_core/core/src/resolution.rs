//! Decides for every source record of a window what shall happen, in one fixed order of rules.

use std::collections::{HashMap, HashSet};

use crate::candidates::Edge;
use crate::consequence::{is_dependent, is_write, next_run};
use crate::decision::{Action, Decision, Fact, Outcome, Reason};
use crate::errors::InvalidInput;
use crate::evidence::Evidence;
use crate::field::{PerField, fingerprints};
use crate::matching::{Found, match_records};
use crate::merge::{Plan, Rules, plan, plan_unseen};
use crate::record::Record;
use crate::request::{Link, Request};
use crate::score::Explanation;
use crate::weights;

/// Looks ahead at most this often; real windows need one, and hostile ones must not cost more.
const ROUND_COUNT_MAX: usize = 8;
/// Equal external ids further apart than this are a coincidence (a file name used every day).
const EXTERNAL_ID_GAP_MS_MAX: i64 = 26 * 3_600_000;

/// Decides for every source record; one decision each, in the order of `request.sources`.
///
/// The decision of a record does not depend on the order of anything in the request.
///
/// # Errors
/// Two records of one side share an id, two links share a source, or a value is out of range.
pub fn resolve(request: &Request) -> Result<Vec<Decision>, InvalidInput> {
    request.check()?;
    let mut decisions = decide(request)?;
    for _ in 0..ROUND_COUNT_MAX {
        if !decisions.iter().any(is_dependent) || !decisions.iter().any(is_write) {
            break;
        }
        let ahead = decide(&next_run(request, &decisions))?;
        let mut has_changed = false;
        for (decision, next) in decisions.iter_mut().zip(ahead) {
            if is_dependent(decision) && is_write(&next) {
                *decision = next;
                has_changed = true;
            }
        }
        if !has_changed {
            break;
        }
    }
    Ok(decisions)
}

/// Decides once, by what is known now.
fn decide(request: &Request) -> Result<Vec<Decision>, InvalidInput> {
    let resolver = Resolver::new(request)?;
    let mut decisions: Vec<Option<Decision>> =
        request.sources.iter().map(|source| resolver.decide_known(source)).collect();
    let taken = resolver.decide_same_external_ids(&mut decisions);
    resolver.decide_rest(&mut decisions, &taken)?;
    decisions.into_iter().collect::<Option<Vec<_>>>().ok_or_else(|| InvalidInput::new("a record stayed undecided"))
}

struct Resolver<'a> {
    request: &'a Request,
    rules: Rules<'a>,
    links: HashMap<&'a str, &'a Link>,
    destinations: HashMap<&'a str, &'a Record>,
    /// The one source that may write to each linked destination.
    writers: HashMap<&'a str, &'a str>,
}

impl<'a> Resolver<'a> {
    fn new(request: &'a Request) -> Result<Self, InvalidInput> {
        let mut links = HashMap::with_capacity(request.links.len());
        let mut writers: HashMap<&str, &str> = HashMap::with_capacity(request.links.len());
        for link in &request.links {
            if links.insert(link.source_id.as_str(), link).is_some() {
                return Err(InvalidInput::new("links: two links share a source"));
            }
            let writer = writers.entry(&link.destination_id).or_insert(&link.source_id);
            *writer = link.source_id.as_str().min(writer);
        }
        Ok(Self {
            request,
            rules: Rules { strategy: request.strategy, is_updatable: request.is_updatable, key: &request.key },
            links,
            destinations: request.destinations.iter().map(|record| (record.id.as_str(), record)).collect(),
            writers,
        })
    }

    /// Decides echoes, tombstones and known links.
    fn decide_known(&self, source: &Record) -> Option<Decision> {
        if self.request.echoes.contains(&source.id) {
            return Some(Decision::plain(Action::None, Outcome::Skipped, Reason::Echo));
        }
        if self.request.tombstones.contains(&source.id) {
            return Some(Decision::plain(Action::None, Outcome::Skipped, Reason::Tombstone));
        }
        let link = self.links.get(source.id.as_str())?;
        let mut decision = self.decide_link(source, link);
        decision.destination_id = Some(link.destination_id.clone());
        Some(decision)
    }

    fn decide_link(&self, source: &Record, link: &Link) -> Decision {
        let destination = self.destinations.get(link.destination_id.as_str());
        if destination.is_none() && self.request.is_complete {
            return keeping(Decision::plain(Action::None, Outcome::Skipped, Reason::DestinationDeleted), link.base);
        }
        if self.writers.get(link.destination_id.as_str()) != Some(&source.id.as_str()) {
            let mut decision = Decision::plain(Action::None, Outcome::Skipped, Reason::KnownLinkUnchanged);
            decision.evidence.push(("shared_destination", Fact::Integer(1)));
            return keeping(decision, link.base);
        }
        if let Some(destination) = destination {
            return link_decision(&plan(source, destination, link.base, self.rules));
        }
        let mut decision = link_decision(&plan_unseen(source, link.base, self.rules));
        decision.evidence.push(("destination_unseen", Fact::Integer(1)));
        decision
    }

    /// Links open records that carry one external id, if exactly one record of each side does.
    ///
    /// Records that are settled count too: else a later run, with fewer open ones, would decide otherwise.
    fn decide_same_external_ids(&self, decisions: &mut [Option<Decision>]) -> HashSet<&'a str> {
        let sources = unique_by_external_id(&self.request.sources);
        let targets = unique_by_external_id(&self.request.destinations);
        let mut taken = HashSet::new();
        for (source, decision) in self.request.sources.iter().zip(decisions.iter_mut()) {
            let is_unique = sources.get(source.external_id.as_str()).is_some_and(Option::is_some);
            let target = targets.get(source.external_id.as_str()).copied().flatten();
            if let (None, true, Some(target)) = (&decision, is_unique, target)
                && !self.writers.contains_key(target.id.as_str())
                && source.data_type == target.data_type
                && (source.start_ms - target.start_ms).abs() <= EXTERNAL_ID_GAP_MS_MAX
            {
                taken.insert(target.id.as_str());
                *decision = Some(self.link_new(source, target, Reason::SameExternalId));
            }
        }
        taken
    }

    fn decide_rest(&self, decisions: &mut [Option<Decision>], taken: &HashSet<&str>) -> Result<(), InvalidInput> {
        let order = canonical_order(&self.request.sources);
        let sources: Vec<&Record> = order.iter().map(|index| &self.request.sources[*index]).collect();
        let is_source_free: Vec<bool> = order.iter().map(|index| decisions[*index].is_none()).collect();
        let mut destinations: Vec<&Record> = self.request.destinations.iter().collect();
        destinations.sort_by(|one, two| one.canonical_order(two));
        let is_free =
            |record: &&Record| !self.writers.contains_key(record.id.as_str()) && !taken.contains(record.id.as_str());
        let is_destination_free: Vec<bool> = destinations.iter().map(is_free).collect();
        let offset_ms = self.request.clock_offset_ms;
        let found = match_records(&sources, &destinations, &is_source_free, &is_destination_free, offset_ms)?;
        for (position, index) in order.into_iter().enumerate() {
            if is_source_free[position] {
                decisions[index] = Some(self.decide_found(sources[position], found[position], &destinations));
            }
        }
        Ok(())
    }

    fn decide_found(&self, source: &Record, found: Found, destinations: &[&Record]) -> Decision {
        let judged = |mut decision: Decision, edge: Edge, is_about: bool| {
            let destination = destinations[edge.destination];
            decision.score = Some(edge.verdict.probability());
            decision.evidence.extend(self.explain(source, destination, edge));
            if is_about {
                decision.destination_id = Some(destination.id.clone());
            }
            decision
        };
        match found {
            Found::Same(edge) => {
                let is_shift = edge.verdict.explanation == Explanation::ZoneShift;
                let reason = if is_shift { Reason::ZoneShift } else { Reason::SameWorkout };
                judged(self.link_new(source, destinations[edge.destination], reason), edge, true)
            }
            Found::Unsure(edge) => {
                judged(Decision::plain(Action::None, Outcome::Conflicted, Reason::UnsureMatch), edge, true)
            }
            Found::Part(edge) => judged(Decision::plain(Action::None, Outcome::Skipped, Reason::PartOf), edge, true),
            Found::New(refused) => {
                let mut decision = Decision::plain(Action::Create, Outcome::Created, Reason::NewRecord);
                decision.base = fingerprints(source, self.rules.key).map(Some);
                match refused {
                    Some(edge) => judged(decision, edge, false),
                    None => decision,
                }
            }
        }
    }

    fn link_new(&self, source: &Record, destination: &Record, reason: Reason) -> Decision {
        let plan = plan(source, destination, [None; 3], self.rules);
        let mut decision = Decision::plain(Action::Link, Outcome::Merged, reason);
        decision.destination_id = Some(destination.id.clone());
        decision.is_written = plan.is_written;
        decision.base = plan.base;
        decision.evidence.extend(facts(&plan));
        decision
    }

    fn explain(&self, source: &Record, destination: &Record, edge: Edge) -> Vec<(&'static str, Fact)> {
        let evidence = Evidence::of(source, destination, self.request.clock_offset_ms);
        let mut list = vec![
            ("explanation", Fact::Name(edge.verdict.explanation.name())),
            ("weights", Fact::Name(weights::VERSION)),
            ("start_gap_s", Fact::Real(seconds(evidence.start_gap_ms))),
            ("end_gap_s", Fact::Real(seconds(evidence.end_gap_ms))),
            ("overlap_share", Fact::Real(evidence.overlap_share)),
            ("duration_difference", Fact::Real(evidence.elapsed_difference)),
        ];
        let optional =
            [("moving_difference", evidence.moving_difference), ("distance_difference", evidence.distance_difference)];
        list.extend(optional.into_iter().filter_map(|(name, value)| value.map(|value| (name, Fact::Real(value)))));
        if edge.verdict.explanation == Explanation::ZoneShift {
            list.push(("shift_half_hours", Fact::Integer(evidence.shift_half_hours)));
            list.push(("shift_residual_s", Fact::Real(seconds(evidence.shift_residual_ms))));
        }
        list
    }
}

fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1_000.0
}

fn keeping(mut decision: Decision, base: PerField<Option<u64>>) -> Decision {
    decision.base = base;
    decision
}

fn link_decision(plan: &Plan) -> Decision {
    let has_writes = plan.is_written.contains(&true);
    let edited = match (plan.has_source_edit, plan.has_destination_edit) {
        (true, true) => Reason::BothEdited,
        (true, false) => Reason::SourceEdited,
        (false, true) => Reason::DestinationEdited,
        (false, false) if has_writes => Reason::SourceEdited,
        (false, false) => Reason::KnownLinkUnchanged,
    };
    let mut decision = if has_writes {
        Decision::plain(Action::Update, Outcome::Updated, edited)
    } else if plan.has_clash {
        Decision::plain(Action::None, Outcome::Conflicted, Reason::BothEdited)
    } else if plan.has_kept && plan.has_source_edit {
        Decision::plain(Action::None, Outcome::Skipped, Reason::DestinationWins)
    } else {
        Decision::plain(Action::None, Outcome::Skipped, edited)
    };
    decision.is_written = plan.is_written;
    decision.base = plan.base;
    decision.evidence.extend(facts(plan));
    decision
}

fn facts(plan: &Plan) -> impl Iterator<Item = (&'static str, Fact)> {
    let all = [
        ("no_base", plan.has_no_base),
        ("newest_wins_without_times", plan.lacks_times),
        ("fields_in_conflict", plan.has_clash),
        ("fields_not_updatable", plan.has_fixed),
    ];
    all.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| (name, Fact::Integer(1)))
}

fn canonical_order(records: &[Record]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.sort_by(|one, two| records[*one].canonical_order(&records[*two]));
    order
}

/// Maps each external id to its record, or to `None` where several records carry it.
fn unique_by_external_id(records: &[Record]) -> HashMap<&str, Option<&Record>> {
    let mut found: HashMap<&str, Option<&Record>> = HashMap::new();
    for record in records.iter().filter(|record| !record.external_id.is_empty()) {
        found.entry(&record.external_id).and_modify(|other| *other = None).or_insert(Some(record));
    }
    found
}
