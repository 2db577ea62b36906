//! What a window looks like once its decisions are carried out.
//!
//! A record that is left alone because of another can lose that ground by what is written for the other: a label or a
//! title changes, a record appears. Looking ahead one run keeps every second run without writes.

use std::collections::HashMap;

use crate::decision::{Action, Decision, Reason};
use crate::field::{FIELDS, Field};
use crate::record::Record;
use crate::request::{Link, Request};

/// Returns whether a decision writes anything, a link included.
pub(crate) fn is_write(decision: &Decision) -> bool {
    decision.action != Action::None
}

/// Returns whether a decision rests on records that other decisions may change.
pub(crate) fn is_dependent(decision: &Decision) -> bool {
    matches!(decision.reason, Reason::PartOf | Reason::UnsureMatch)
}

/// Returns the request of the next run, if all decisions are carried out and nobody edits anything.
pub(crate) fn next_run(request: &Request, decisions: &[Decision]) -> Request {
    let mut next = request.clone();
    let ids = next.destinations.iter().enumerate().map(|(place, record)| (record.id.clone(), place));
    let mut places: HashMap<String, usize> = ids.collect();
    let ids = next.links.iter().enumerate().map(|(place, link)| (link.source_id.clone(), place));
    let links: HashMap<String, usize> = ids.collect();
    for (source, decision) in request.sources.iter().zip(decisions).filter(|(_, decision)| is_write(decision)) {
        let destination_id = if let Some(id) = &decision.destination_id {
            if let Some(place) = places.get(id) {
                write_fields(source, decision, &mut next.destinations[*place]);
            }
            id.clone()
        } else {
            let id = unused_id(source, &places);
            places.insert(id.clone(), next.destinations.len());
            next.destinations.push(Record { id: id.clone(), ..source.clone() });
            id
        };
        match links.get(&source.id) {
            Some(place) => next.links[*place].base = decision.base,
            None => next.links.push(Link { source_id: source.id.clone(), destination_id, base: decision.base }),
        }
    }
    next
}

fn write_fields(source: &Record, decision: &Decision, record: &mut Record) {
    for (field, _) in FIELDS.iter().zip(decision.is_written).filter(|(_, is_written)| *is_written) {
        match field {
            Field::Title => record.title.clone_from(&source.title),
            Field::Notes => record.notes.clone_from(&source.notes),
            Field::Sport => record.sport = source.sport,
        }
    }
}

fn unused_id(source: &Record, places: &HashMap<String, usize>) -> String {
    let mut id = source.id.clone();
    while places.contains_key(&id) {
        id.push('+');
    }
    id
}
