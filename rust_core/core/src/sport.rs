//! Sports and how close two labels are.
//!
//! Services rename sports on the way, so labels are compared by family, never one by one.

use crate::errors::InvalidInput;

/// A sport; the number is that of `syncwell.api.record.v1.Sport`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sport(u8);

const SPORT_MAX: u8 = 40;

/// Sports that services mix up with one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Run,
    Walk,
    Ride,
    HandCycle,
    Swim,
    Row,
    Paddle,
    Surf,
    Sail,
    Ski,
    Snowshoe,
    Skate,
    Gym,
    Machine,
    Mat,
    Climb,
    Racket,
    Team,
    Golf,
    Dance,
    Martial,
    Wheelchair,
    Multisport,
    Other,
}

/// What two sport labels say about each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SportRelation {
    /// The same label.
    Equal,
    /// Two labels of one family.
    Family,
    /// One side does not know its sport.
    Unknown,
    /// Two families that services confuse (walk and run, gym and machine).
    Kin,
    /// One side is a multisport event.
    Multisport,
    /// Two things that nobody confuses.
    Different,
}

impl Sport {
    /// A multisport event, parent of its legs.
    pub const MULTISPORT: Self = Self(39);

    /// Makes a sport of its number.
    ///
    /// # Errors
    /// There is no sport of that number.
    pub fn new(number: i64) -> Result<Self, InvalidInput> {
        match u8::try_from(number) {
            Ok(number) if (1..=SPORT_MAX).contains(&number) => Ok(Self(number)),
            _ => Err(InvalidInput::new("sport: no such number")),
        }
    }

    /// Returns the number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// Returns whether the label says nothing.
    #[must_use]
    pub fn is_unknown(self) -> bool {
        self.family() == Family::Other
    }

    /// Compares two labels.
    #[must_use]
    pub fn relation(self, other: Self) -> SportRelation {
        if self == other {
            return if self.family() == Family::Other { SportRelation::Unknown } else { SportRelation::Equal };
        }
        match (self.family(), other.family()) {
            (Family::Other, _) | (_, Family::Other) => SportRelation::Unknown,
            (Family::Multisport, _) | (_, Family::Multisport) => SportRelation::Multisport,
            (one, two) if one == two => SportRelation::Family,
            (one, two) if is_kin(one, two) || is_kin(two, one) => SportRelation::Kin,
            _ => SportRelation::Different,
        }
    }

    fn family(self) -> Family {
        match self.0 {
            1..=3 => Family::Run,
            4 | 5 => Family::Walk,
            6..=10 => Family::Ride,
            11 => Family::HandCycle,
            12..=14 => Family::Swim,
            15 | 16 => Family::Row,
            17 => Family::Paddle,
            18 => Family::Surf,
            19 => Family::Sail,
            20..=23 => Family::Ski,
            24 => Family::Snowshoe,
            25 => Family::Skate,
            26 | 27 => Family::Gym,
            28 | 29 => Family::Machine,
            30 | 31 => Family::Mat,
            32 => Family::Climb,
            33 => Family::Racket,
            34 => Family::Team,
            35 => Family::Golf,
            36 => Family::Dance,
            37 => Family::Martial,
            38 => Family::Wheelchair,
            39 => Family::Multisport,
            _ => Family::Other,
        }
    }
}

fn is_kin(one: Family, two: Family) -> bool {
    matches!(
        (one, two),
        (Family::Run, Family::Walk | Family::Machine)
            | (Family::Ride, Family::HandCycle)
            | (Family::HandCycle, Family::Wheelchair)
            | (Family::Walk, Family::Snowshoe | Family::Wheelchair | Family::Machine | Family::Climb)
            | (Family::Row, Family::Paddle)
            | (Family::Paddle, Family::Surf)
            | (Family::Surf, Family::Sail)
            | (Family::Ski, Family::Snowshoe)
            | (Family::Gym, Family::Machine | Family::Mat | Family::Martial | Family::Dance)
            | (Family::Mat, Family::Dance)
    )
}

#[cfg(test)]
mod tests {
    use super::{Sport, SportRelation};

    fn sport(number: i64) -> Sport {
        Sport::new(number).expect("a known number")
    }

    #[test]
    fn relation_is_symmetric() {
        for one in 1..=40 {
            for two in 1..=40 {
                assert_eq!(sport(one).relation(sport(two)), sport(two).relation(sport(one)));
            }
        }
    }

    #[test]
    fn gravel_is_a_ride_and_no_walk() {
        assert_eq!(sport(8).relation(sport(6)), SportRelation::Family);
        assert_eq!(sport(8).relation(sport(4)), SportRelation::Different);
    }

    #[test]
    fn numbers_outside_the_list_are_refused() {
        for number in [i64::MIN, -1, 0, 41, i64::MAX] {
            assert!(Sport::new(number).is_err());
        }
    }
}
