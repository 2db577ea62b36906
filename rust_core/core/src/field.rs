//! The fields that people edit, and their fingerprints.

use crate::fingerprint::{KEY_LENGTH, fingerprint};
use crate::record::Record;
use crate::sport::SportRelation;

/// A field that people edit and services let us change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The title.
    Title,
    /// The notes.
    Notes,
    /// The sport label.
    Sport,
}

/// Number of editable fields.
pub const FIELD_COUNT: usize = 3;

/// All editable fields, in the order of every array here.
pub const FIELDS: [Field; FIELD_COUNT] = [Field::Title, Field::Notes, Field::Sport];

/// One value per editable field.
pub type PerField<Value> = [Value; FIELD_COUNT];

impl Field {
    /// Returns the name used in Python and in fingerprints.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Notes => "notes",
            Self::Sport => "sport",
        }
    }

    /// Returns the keyed fingerprint of a record's value.
    ///
    /// Space around a text and the kind of line end do not count: services change both on the way.
    #[must_use]
    pub fn fingerprint(self, record: &Record, key: &[u8; KEY_LENGTH]) -> u64 {
        let of_text = |text: &str| fingerprint(key, self.name(), text.trim().replace("\r\n", "\n").as_bytes());
        match self {
            Self::Title => of_text(&record.title),
            Self::Notes => of_text(&record.notes),
            Self::Sport => fingerprint(key, self.name(), record.sport.number().to_string().as_bytes()),
        }
    }

    /// Returns whether a destination keeps what the source says as well as it can.
    ///
    /// Two labels of one sport family agree, and so do those that services confuse: they know fewer sports than people
    /// do. A source that does not know the sport agrees with any label. Only an edit at the source overrides this.
    #[must_use]
    pub(crate) fn agrees(self, source: &Record, destination: &Record, has_equal_fingerprint: bool) -> bool {
        let is_close = || match source.sport.relation(destination.sport) {
            SportRelation::Equal | SportRelation::Family | SportRelation::Kin | SportRelation::Multisport => true,
            SportRelation::Unknown => !destination.sport.is_unknown() || source.sport.is_unknown(),
            SportRelation::Different => false,
        };
        has_equal_fingerprint || (self == Self::Sport && is_close())
    }
}

/// Returns the fingerprints of all fields of a record.
#[must_use]
pub fn fingerprints(record: &Record, key: &[u8; KEY_LENGTH]) -> PerField<u64> {
    FIELDS.map(|field| field.fingerprint(record, key))
}
