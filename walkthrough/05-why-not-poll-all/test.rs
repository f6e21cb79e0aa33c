//! Chapter 5, step by step: what a round is, and what it costs.
//!
//! Run it with `cargo test --example ch05 -- --nocapture`.

use super::*;

/// Says its name at each poll, and is ready at the `last`.
struct Named {
    name: char,
    last: u32,
    diary: Rc<RefCell<Vec<String>>>,
}

impl Future for Named {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        self.last -= 1;
        let ends = self.last == 0;
        self.diary.borrow_mut().push(format!("{} {}", self.name, if ends { "ready" } else { "pending" }));
        if ends { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Every task once a round, in the order of the spawns; who is done is not asked again.
#[test]
fn a_round_polls_each_task_once() {
    let (mut spin, diary) = (Spin::default(), Rc::new(RefCell::new(Vec::new())));
    for (name, last) in [('a', 2), ('b', 1), ('c', 3)] {
        spin.spawn(Named { name, last, diary: diary.clone() });
    }
    for round in 1..=3 {
        diary.borrow_mut().push(format!("round {round}"));
        spin.round();
    }
    println!("\n{}", diary.borrow().join("\n"));
    let expected = [
        "round 1",
        "a pending",
        "b ready",
        "c pending", //
        "round 2",
        "a ready",
        "c pending", // b has gone
        "round 3",
        "c ready",
    ];
    assert_eq!(*diary.borrow(), expected);
    assert!(spin.tasks.is_empty());
}

/// The work is the same, five letters. The polls are not.
#[test]
fn polls_grow_with_idle_tasks() {
    println!();
    for idle in [0, 1, 10, 100, 1_000] {
        let bill = run(idle, 1);
        println!("{idle} idle tasks: {} polls for {} letters", bill.polls, bill.letters);
        assert_eq!((bill.polls, bill.letters), (100 * (idle as u64 + 1), 5));
    }
}

/// Ten times fewer rounds: ten times fewer polls, and letters that lie in the box for half a nap.
#[test]
fn a_nap_trades_polls_for_waiting() {
    let (awake, napping) = (run(1_000, 1), run(1_000, 10));
    assert_eq!(awake.polls, 10 * napping.polls);
    assert_eq!((awake.waits, napping.waits > 0), (0, true));
}
