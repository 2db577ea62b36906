//! The closed lists of what can be decided, and one decision.

use crate::errors::InvalidInput;
use crate::field::PerField;

/// Who wins where both sides differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The source.
    SourceWins,
    /// The destination: nothing there is ever changed.
    DestinationWins,
    /// The side changed last.
    NewestWins,
    /// Whichever side changed since the last sync; the destination where that is unknown.
    SmartMerge,
}

impl Strategy {
    /// Reads the name used in Python.
    ///
    /// # Errors
    /// There is no strategy of that name.
    pub fn parse(name: &str) -> Result<Self, InvalidInput> {
        match name {
            "source_wins" => Ok(Self::SourceWins),
            "dest_wins" => Ok(Self::DestinationWins),
            "newest_wins" => Ok(Self::NewestWins),
            "smart_merge" => Ok(Self::SmartMerge),
            _ => Err(InvalidInput::new("strategy: no such name")),
        }
    }
}

/// What the worker must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write a new record.
    Create,
    /// Change fields of the linked record.
    Update,
    /// Remember that both are one, and change fields if any are named.
    Link,
    /// Nothing.
    None,
}

/// What becomes of the source record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is new at the destination.
    Created,
    /// Fields of its copy change.
    Updated,
    /// It was there already and is linked now.
    Merged,
    /// Nothing is to be done.
    Skipped,
    /// A person must decide.
    Conflicted,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nothing at the destination is like it.
    NewRecord,
    /// Linked, and nothing to carry over.
    KnownLinkUnchanged,
    /// The source changed since the last sync.
    SourceEdited,
    /// The destination changed since the last sync.
    DestinationEdited,
    /// Both changed, in the same field or in different ones.
    BothEdited,
    /// Both carry the same external id.
    SameExternalId,
    /// The evidence says that both are one.
    SameWorkout,
    /// Both are one, with a wrong time zone on one side.
    ZoneShift,
    /// One is a piece of the other.
    PartOf,
    /// The evidence does not suffice.
    UnsureMatch,
    /// We wrote the source record ourselves, from this destination.
    Echo,
    /// The person deleted its copy.
    Tombstone,
    /// The strategy keeps what the destination has.
    DestinationWins,
    /// Its copy is gone from the destination.
    DestinationDeleted,
}

/// A plain number or name that explains a decision; never a health value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fact {
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// One of our own names.
    Name(&'static str),
}

/// What shall happen to one source record, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What to do.
    pub action: Action,
    /// What becomes of the record.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// The destination record it is about.
    pub destination_id: Option<String>,
    /// Probability that both are one, where a pair was judged.
    pub score: Option<f64>,
    /// Which fields to write.
    pub is_written: PerField<bool>,
    /// Named facts.
    pub evidence: Vec<(&'static str, Fact)>,
    /// The base to keep with the link.
    pub base: PerField<Option<u64>>,
}

impl Decision {
    /// Makes a decision that touches no field and keeps no base.
    #[must_use]
    pub(crate) fn plain(action: Action, outcome: Outcome, reason: Reason) -> Self {
        Self {
            action,
            outcome,
            reason,
            destination_id: None,
            score: None,
            is_written: [false; 3],
            evidence: Vec::new(),
            base: [None; 3],
        }
    }
}

impl Action {
    /// Returns the name used in Python.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Link => "link",
            Self::None => "none",
        }
    }
}

impl Outcome {
    /// Returns the name used in Python.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Merged => "merged",
            Self::Skipped => "skipped",
            Self::Conflicted => "conflicted",
        }
    }
}

impl Reason {
    /// Returns the name used in Python.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NewRecord => "new_record",
            Self::KnownLinkUnchanged => "known_link_unchanged",
            Self::SourceEdited => "source_edited",
            Self::DestinationEdited => "destination_edited",
            Self::BothEdited => "both_edited",
            Self::SameExternalId => "same_external_id",
            Self::SameWorkout => "same_workout",
            Self::ZoneShift => "zone_shift",
            Self::PartOf => "part_of",
            Self::UnsureMatch => "unsure_match",
            Self::Echo => "echo",
            Self::Tombstone => "tombstone",
            Self::DestinationWins => "destination_wins",
            Self::DestinationDeleted => "destination_deleted",
        }
    }
}
