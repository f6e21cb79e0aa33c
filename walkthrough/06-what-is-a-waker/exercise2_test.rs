//! What exercise 6.2 asks for.

use std::sync::atomic::AtomicUsize;

use super::*;

/// A child that waits until it is opened. Counts its polls.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    open: bool,
    polls: usize,
    waker: Option<Waker>,
}

impl Gate {
    fn set(&self, open: bool) {
        let mut inside = self.0.lock().unwrap();
        inside.open = open;
        let waker = inside.waker.take();
        drop(inside);
        waker.into_iter().for_each(Waker::wake);
    }

    fn polls(&self) -> usize {
        self.0.lock().unwrap().polls
    }
}

impl Future for Gate {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut inside = self.0.lock().unwrap();
        inside.polls += 1;
        inside.waker = Some(cx.waker().clone());
        if inside.open { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll(all: &mut JoinAll<Gate>, task: &Arc<Task>) -> bool {
    Pin::new(all).poll(&mut Context::from_waker(&Waker::from(task.clone()))).is_ready()
}

#[test]
fn a_thousand_children_need_two_thousand_polls() {
    let gates: Vec<Gate> = (0..1_000).map(|_| Gate::default()).collect();
    let (mut all, task) = (join_all(gates.clone()), Arc::new(Task::default()));
    assert!(!poll(&mut all, &task));
    for (number, gate) in gates.iter().enumerate() {
        gate.set(true);
        assert_eq!(poll(&mut all, &task), number == 999);
    }
    let polls: usize = gates.iter().map(Gate::polls).sum();
    assert_eq!(polls, 2_000, "each child once at the start and once when it has news");
    assert_eq!(task.0.load(Ordering::SeqCst), 1_000, "each piece of news has woken the task");
}

#[test]
fn the_newest_parent_is_woken() {
    let gate = Gate::default();
    let mut all = join_all(vec![gate.clone(), Gate::default()]);
    let (old, new) = (Arc::new(Task::default()), Arc::new(Task::default()));
    poll(&mut all, &old);
    poll(&mut all, &new); // the whole has moved to another task
    gate.set(true);
    assert_eq!([&old, &new].map(|task| task.0.load(Ordering::SeqCst)), [0, 1]);
}

#[test]
fn a_vain_wake_is_one_vain_poll() {
    let gates = [Gate::default(), Gate::default()];
    let (mut all, task) = (join_all(gates.to_vec()), Arc::new(Task::default()));
    poll(&mut all, &task);
    gates[0].set(false);
    assert!(!poll(&mut all, &task));
    assert_eq!(gates.each_ref().map(Gate::polls), [2, 1]);
}
