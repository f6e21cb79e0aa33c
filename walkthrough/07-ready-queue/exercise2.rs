//! Exercise 7.2: the serial.
//!
//! A table that uses its slots again, as a slab does. An `Id` is what the outside keeps. Below it is the slot alone, so that
//! an old id reaches whoever lives there now. Give ids a serial that never repeats, and let every access check it.
//! Run `cargo test --example exercises ch07_exercise2`.

#![allow(dead_code)]

/// The name of an entry. The tests copy it, compare it and print it, and know nothing else of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Id {
    slot: usize,
}

pub struct Table<T> {
    slots: Vec<Option<T>>,
}

impl<T> Table<T> {
    pub fn new() -> Table<T> {
        Table { slots: Vec::new() }
    }

    /// Puts a value into the lowest free slot.
    pub fn insert(&mut self, value: T) -> Id {
        let free = self.slots.iter().position(Option::is_none);
        let slot = free.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some(value);
        Id { slot }
    }

    /// `None`: the entry of this name is gone.
    pub fn get(&self, id: Id) -> Option<&T> {
        self.slots.get(id.slot)?.as_ref()
    }

    /// Takes the entry out and frees its slot.
    pub fn remove(&mut self, id: Id) -> Option<T> {
        self.slots.get_mut(id.slot)?.take()
    }

    /// How many slots there are, free ones included: the memory that the table uses.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
