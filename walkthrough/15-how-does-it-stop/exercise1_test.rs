//! What `Crowd::empty` must do. Included by the exercise and by its solution.

use glassbox::{JoinHandle, Runtime};

use super::*;

fn waiting(crowd: &Rc<Crowd>) -> (Runtime, JoinHandle<()>) {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let theirs = crowd.clone();
    let task = runtime.handle().spawn(async move { theirs.empty().await });
    runtime.run_until_stalled();
    (runtime, task)
}

#[test]
fn nobody_there_is_ready_at_once() {
    let (_runtime, task) = waiting(&Rc::default());
    assert!(task.is_finished());
}

#[test]
fn the_last_one_counts_not_the_first() {
    let crowd = Rc::default();
    let mut members: Vec<Member> = (0..3).map(|_| Crowd::enter(&crowd)).collect();
    let (runtime, task) = waiting(&crowd);
    while let Some(member) = members.pop() {
        assert!(!task.is_finished(), "{} are there", crowd.len());
        drop(member);
        runtime.run_until_stalled();
    }
    assert!(task.is_finished());
}

#[test]
fn many_may_leave_before_anybody_looks() {
    let crowd = Rc::default();
    let members: Vec<Member> = (0..3).map(|_| Crowd::enter(&crowd)).collect();
    let (runtime, task) = waiting(&crowd);
    drop(members);
    runtime.run_until_stalled();
    assert!(task.is_finished(), "three wakes are one poll, and that poll must look");
}

#[test]
fn a_newcomer_counts_too() {
    let crowd = Rc::default();
    let first = Crowd::enter(&crowd);
    let (runtime, task) = waiting(&crowd);
    let second = Crowd::enter(&crowd);
    drop(first);
    runtime.run_until_stalled();
    assert!(!task.is_finished());
    drop(second);
    runtime.run_until_stalled();
    assert!(task.is_finished());
}
