//! Budgets by key (provider, user) in bounded memory.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use crate::budget::{Budget, BudgetRules, Grant, check_now};
use crate::errors::InvalidInput;

const CAPACITY_MAX: usize = 10_000_000;

/// Many budgets under the same rules.
///
/// At most `capacity` are kept. Only a budget that has refilled is ever forgotten; when none has, a new key is told
/// to wait, so that a flood of keys cannot wash away what was spent.
#[derive(Debug)]
pub struct BudgetTable {
    rules: BudgetRules,
    capacity: usize,
    slots: Vec<(Arc<str>, Budget)>,
    positions: HashMap<Arc<str>, usize>,
    refills: BinaryHeap<Reverse<(i64, usize)>>,
}

enum Place {
    Slot(usize),
    FullUntil(i64),
}

impl BudgetTable {
    /// Makes an empty table.
    ///
    /// # Errors
    /// The capacity is zero or above ten million.
    pub fn new(rules: BudgetRules, capacity: usize) -> Result<Self, InvalidInput> {
        if capacity == 0 || capacity > CAPACITY_MAX {
            return Err(InvalidInput::new("capacity is out of range"));
        }
        let (slots, positions, refills) = (Vec::new(), HashMap::new(), BinaryHeap::new());
        Ok(Self { rules, capacity, slots, positions, refills })
    }

    /// Returns how many keys are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns whether no key is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// As [`Budget::try_take`], for one key.
    ///
    /// # Errors
    /// As [`Budget::try_take`].
    pub fn try_take(&mut self, key: &str, cost: u32, priority: usize, now_ms: i64) -> Result<i64, InvalidInput> {
        match self.place(key, now_ms)? {
            Place::Slot(slot) => self.slots[slot].1.try_take(&self.rules, cost, priority, now_ms),
            Place::FullUntil(free_at_ms) => Ok((free_at_ms - now_ms).max(1)),
        }
    }

    /// As [`Budget::lease`], for one key.
    ///
    /// # Errors
    /// As [`Budget::lease`].
    pub fn lease(&mut self, key: &str, count: u32, priority: usize, now_ms: i64) -> Result<Grant, InvalidInput> {
        match self.place(key, now_ms)? {
            Place::Slot(slot) => self.slots[slot].1.lease(&self.rules, count, priority, now_ms),
            Place::FullUntil(free_at_ms) => Ok(Grant { count: 0, expires_ms: free_at_ms }),
        }
    }

    /// As [`Budget::give_back`], for one key.
    ///
    /// # Errors
    /// As [`Budget::give_back`].
    pub fn give_back(&mut self, key: &str, count: u32, leased_ms: i64, now_ms: i64) -> Result<(), InvalidInput> {
        self.with_known(key, |budget, rules| budget.give_back(rules, count, leased_ms, now_ms))
    }

    /// As [`Budget::finish`], for one key.
    ///
    /// # Errors
    /// As [`Budget::finish`].
    pub fn finish(&mut self, key: &str, cost: u32, granted_ms: i64, now_ms: i64) -> Result<(), InvalidInput> {
        self.with_known(key, |budget, rules| budget.finish(rules, cost, granted_ms, now_ms))
    }

    /// As [`Budget::observe`], for one key; returns false when the table is full and the key new.
    ///
    /// # Errors
    /// As [`Budget::observe`].
    pub fn observe(
        &mut self,
        key: &str,
        window: usize,
        used: u32,
        limit: u32,
        now_ms: i64,
    ) -> Result<bool, InvalidInput> {
        let Place::Slot(slot) = self.place(key, now_ms)? else { return Ok(false) };
        self.slots[slot].1.observe(&self.rules, window, used, limit, now_ms)?;
        Ok(true)
    }

    /// As [`Budget::mark_lost`], for one key; returns false when the table is full and the key new.
    ///
    /// # Errors
    /// As [`Budget::mark_lost`].
    pub fn mark_lost(&mut self, key: &str, now_ms: i64) -> Result<bool, InvalidInput> {
        let Place::Slot(slot) = self.place(key, now_ms)? else { return Ok(false) };
        self.slots[slot].1.mark_lost(&self.rules, now_ms)?;
        Ok(true)
    }

    fn with_known<Change>(&mut self, key: &str, change: Change) -> Result<(), InvalidInput>
    where
        Change: FnOnce(&mut Budget, &BudgetRules) -> Result<(), InvalidInput>,
    {
        match self.positions.get(key) {
            Some(slot) => change(&mut self.slots[*slot].1, &self.rules),
            None => Ok(()),
        }
    }

    fn place(&mut self, key: &str, now_ms: i64) -> Result<Place, InvalidInput> {
        check_now(now_ms)?;
        if let Some(slot) = self.positions.get(key) {
            return Ok(Place::Slot(*slot));
        }
        let key: Arc<str> = Arc::from(key);
        if self.slots.len() < self.capacity {
            let slot = self.slots.len();
            self.slots.push((Arc::clone(&key), Budget::new(&self.rules)));
            return Ok(self.occupy(slot, key));
        }
        Ok(match self.refilled_slot(now_ms) {
            Place::Slot(slot) => {
                let fresh = (Arc::clone(&key), Budget::new(&self.rules));
                let (forgotten, _) = std::mem::replace(&mut self.slots[slot], fresh);
                self.positions.remove(&forgotten);
                self.occupy(slot, key)
            }
            full @ Place::FullUntil(_) => full,
        })
    }

    fn occupy(&mut self, slot: usize, key: Arc<str>) -> Place {
        self.positions.insert(key, slot);
        self.refills.push(Reverse((i64::MIN, slot)));
        Place::Slot(slot)
    }

    /// Takes the slot that refilled first. Times in the heap may be too early; they are mended on the way.
    fn refilled_slot(&mut self, now_ms: i64) -> Place {
        while let Some(Reverse((noted_ms, slot))) = self.refills.pop() {
            let free_at_ms = self.slots[slot].1.free_at_ms(&self.rules);
            if free_at_ms <= now_ms {
                return Place::Slot(slot);
            }
            self.refills.push(Reverse((free_at_ms, slot)));
            if noted_ms == free_at_ms {
                return Place::FullUntil(free_at_ms);
            }
        }
        Place::FullUntil(i64::MAX)
    }
}
