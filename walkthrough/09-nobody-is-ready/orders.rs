//! Chapter 9, on paper: every order in which a thread that wakes and a runtime that falls asleep can meet.
//!
//! `cargo run --example ch09b` plays the handshake in four small steps, and then in two. No threads here: the program
//! deals the steps out itself, in each possible order, and looks whether the runtime is left asleep over work.

/// What both sides touch.
#[derive(Default)]
struct Meeting {
    /// How many ids are on the queue.
    ids: usize,
    /// The runtime has announced its sleep.
    parked: bool,
    /// The runtime has seen an empty queue and will sleep.
    sleepy: bool,
    /// Somebody has rung: the sleep ends, or does not begin.
    rung: bool,
}

impl Meeting {
    /// The runtime sleeps, nobody has rung, and there is work. Nobody will ever come.
    fn is_lost(&self) -> bool {
        self.sleepy && !self.rung && self.ids > 0
    }

    fn verdict(&self) -> &'static str {
        match (self.is_lost(), self.rung, self.sleepy) {
            (true, _, _) => "ASLEEP OVER WORK, FOR EVER",
            (_, true, true) => "asleep, and rung awake",
            (_, true, false) => "sees the id, and is rung for nothing",
            (_, _, false) => "sees the id and stays awake",
            _ => "asleep, with nothing to do",
        }
    }
}

/// One step of one side: its name, and what it does in one go.
type Step = (&'static str, fn(&mut Meeting));

/// The waking thread in two steps, as with a lock around each.
const PUSH: Step = ("push", |meeting| meeting.ids += 1);
const LOOK: Step = ("parked?", |meeting| meeting.rung |= std::mem::take(&mut meeting.parked));

/// The runtime in two steps.
const TEST: Step = ("empty?", |meeting| meeting.sleepy = meeting.ids == 0);
const ARM: Step = ("arm", |meeting| meeting.parked = meeting.sleepy);

/// The other way out: announce the sleep first, then look whether there is work. Announced too early is harmless.
const ARM_FIRST: Step = ("arm", |meeting| meeting.parked = true);
const TEST_AGAIN: Step = ("empty?", |meeting| meeting.sleepy = meeting.ids == 0);

/// Each side in one step, under one lock: what `ReadyQueue` does.
const PUSH_AND_LOOK: Step = ("push, parked?", |meeting| {
    PUSH.1(meeting);
    LOOK.1(meeting);
});
const TEST_AND_ARM: Step = ("empty? arm", |meeting| {
    TEST.1(meeting);
    ARM.1(meeting);
});

/// Every order of two sides that keeps each side's own order.
fn orders(thread: &[Step], runtime: &[Step]) -> Vec<Vec<Step>> {
    let begun_by = |first: Option<&Step>, thread: &[Step], runtime: &[Step]| {
        let begin = |mut rest: Vec<Step>| {
            rest.splice(0..0, first.copied());
            rest
        };
        orders(thread, runtime).into_iter().map(begin).collect::<Vec<_>>()
    };
    match (thread, runtime) {
        ([], _) => vec![runtime.to_vec()],
        (_, []) => vec![thread.to_vec()],
        ([ours, rest @ ..], [theirs, others @ ..]) => {
            [begun_by(Some(ours), rest, runtime), begun_by(Some(theirs), thread, others)].concat()
        }
    }
}

/// Plays every order and prints how it ends.
fn play(title: &str, thread: &[Step], runtime: &[Step]) {
    println!("{title}");
    let (orders, mut lost) = (orders(thread, runtime), 0);
    for order in &orders {
        let mut meeting = Meeting::default();
        for (_, step) in order {
            step(&mut meeting);
        }
        lost += usize::from(meeting.is_lost());
        let names: String = order.iter().map(|(name, _)| format!("{name:<15}")).collect();
        println!("    {names}{}", meeting.verdict());
    }
    println!("orders that lose the wake-up: {lost} of {}\n", orders.len());
}

fn main() {
    play("two steps each:  thread: push, parked?   runtime: empty?, arm", &[PUSH, LOOK], &[TEST, ARM]);
    play(
        "armed first:     thread: push, parked?   runtime: arm, empty?",
        &[PUSH, LOOK],
        &[ARM_FIRST, TEST_AGAIN],
    );
    play("one step each, under one lock", &[PUSH_AND_LOOK], &[TEST_AND_ARM]);
}
