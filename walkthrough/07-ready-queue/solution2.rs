//! Solution 7.2: the slot says where, the serial says who.

#![allow(dead_code)]

/// The name of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Id {
    slot: usize,
    serial: u64,
}

pub struct Table<T> {
    /// Each entry with the serial that it was given.
    slots: Vec<Option<(u64, T)>>,
    /// The latest serial. 64 bits do not come round: at one insert a nanosecond that takes 584 years.
    last_serial: u64,
}

impl<T> Table<T> {
    pub fn new() -> Table<T> {
        Table { slots: Vec::new(), last_serial: 0 }
    }

    /// Puts a value into the lowest free slot.
    pub fn insert(&mut self, value: T) -> Id {
        let free = self.slots.iter().position(Option::is_none);
        let slot = free.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.last_serial += 1;
        self.slots[slot] = Some((self.last_serial, value));
        Id { slot, serial: self.last_serial }
    }

    /// `None`: the entry of this name is gone.
    pub fn get(&self, id: Id) -> Option<&T> {
        let (serial, value) = self.slots.get(id.slot)?.as_ref()?;
        (*serial == id.serial).then_some(value)
    }

    /// Takes the entry out and frees its slot.
    pub fn remove(&mut self, id: Id) -> Option<T> {
        self.get(id)?;
        self.slots[id.slot].take().map(|(_, value)| value)
    }

    /// How many slots there are, free ones included: the memory that the table uses.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
