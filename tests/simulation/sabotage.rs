//! Deliberate mistakes in the harness itself, each of which an oracle must notice. An oracle that cannot fail proves
//! nothing.

use std::borrow::Cow;
use std::cell::Cell;

use glassbox::http::Limits;

/// What is to go wrong, once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sabotage {
    /// A byte is lost on its way.
    SwallowByte(Place),
    /// A byte arrives twice.
    DoubleByte(Place),
    /// An event is lost.
    SwallowWake,
    /// The client expects its second answer first.
    WrongOrder,
    /// The judge takes the server's time limits for shorter than they are.
    Hasty,
    /// The judge takes them for longer.
    Patient,
    /// The system has no descriptors, and says that a signal came.
    Disguise,
    /// To the server any byte makes up for everything, whatever the least rate.
    Lenient,
    /// The server asks for four times the rate that it was told.
    Strict,
}

/// Which bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    Request,
    Answer,
}

/// Does it when its moment has come.
#[derive(Default)]
pub struct Saboteur {
    plan: Option<Sabotage>,
    /// So many bytes, or wakes, pass before.
    patience: Cell<usize>,
    done: Cell<bool>,
}

impl Saboteur {
    pub fn new(plan: Option<Sabotage>, patience: usize) -> Saboteur {
        Saboteur { plan, patience: Cell::new(patience), done: Cell::new(false) }
    }

    /// Whether it has done its deed.
    pub fn is_done(&self) -> bool {
        self.done.get()
    }

    /// The limits as the server understands them.
    pub fn misunderstand(&self, limits: &Limits) -> Limits {
        let min_rate = match self.plan {
            Some(Sabotage::Lenient) => 0,
            Some(Sabotage::Strict) => limits.min_rate * 4,
            _ => return limits.clone(),
        };
        self.done.set(min_rate != limits.min_rate);
        Limits { min_rate, ..limits.clone() }
    }

    /// The bytes as they arrive.
    pub fn spoil<'b>(&self, place: Place, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let (wanted, copies) = match self.plan {
            Some(Sabotage::SwallowByte(wanted)) => (wanted, 0),
            Some(Sabotage::DoubleByte(wanted)) => (wanted, 2),
            _ => return Cow::Borrowed(bytes),
        };
        if wanted != place || self.done.get() {
            return Cow::Borrowed(bytes);
        }
        let at = self.patience.get();
        if at >= bytes.len() {
            self.patience.set(at - bytes.len());
            return Cow::Borrowed(bytes);
        }
        self.done.set(true);
        let mut spoilt = bytes[..at].to_vec();
        spoilt.extend(std::iter::repeat_n(bytes[at], copies));
        spoilt.extend_from_slice(&bytes[at + 1..]);
        Cow::Owned(spoilt)
    }

    /// Whether the reason of an error is another one than the world thinks.
    pub fn disguises(&self) -> bool {
        let disguises = self.plan == Some(Sabotage::Disguise);
        self.done.set(self.done.get() || disguises);
        disguises
    }

    /// Whether this event is the one that is lost.
    pub fn swallows_wake(&self) -> bool {
        if self.plan != Some(Sabotage::SwallowWake) || self.done.get() {
            return false;
        }
        let left = self.patience.get() % 6; // There are fewer wakes than bytes.
        self.patience.set(left.saturating_sub(1));
        self.done.set(left == 0);
        left == 0
    }
}
