//! The executor: a slab of tasks, and one operation, `step`: poll the task whose id is next.
//!
//! The problem: tasks start tasks, end tasks and drop tasks while they are being polled. So nothing of the executor
//! may be borrowed while a future runs, or the first `spawn` inside a task would panic.
//!
//! ```text
//!   spawn(future)                     step()
//!      |                                1. pop an id off the run queue
//!      v                                2. check the task out of its slot  Resting(task) -> Running
//!   +------------- slab -----------+    3. poll it, with nothing borrowed
//!   | 0 Resting(task 1)            |    4. Pending: check it in again      Running -> Resting(task)
//!   | 1 Running: task 4 is polled  |       Ready:   free the slot, then drop the future
//!   | 2 (free)                     |
//!   +------------------------------+
//! ```
//!
//! 1. No future is polled and none is dropped while `tasks` is borrowed. Every borrow lasts one statement.
//! 2. A slot is reused, a serial is not. An id whose serial is not the slot's belongs to a task that has ended; its
//!    wake must not reach the stranger who lives there now.
//! 3. `step` polls one task, once. What keeps one busy task from starving the others is the queue's order: a task
//!    that wakes itself goes to the end.
//! 4. After `close`, `spawn` drops its future at once. So the slab can be emptied even if futures spawn in `drop`.
//!
//! It runs without any operating system: no socket, no clock. Left out: priorities, a slot for the task that was
//! woken last (tokio's LIFO slot), and stealing by other threads (`async-executor/src/lib.rs`).

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::mem;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::task::Poll;

use slab::Slab;

use super::counter::Counter;
use super::local::LocalQueue;
use super::ready::ReadyQueue;
use super::task::{AnyTask, Task, TaskFuture, TaskWaker};
use super::trace::{Event, Outcome, TaskId, Tracer};

/// Owns all tasks and polls them, one at a time.
pub struct Executor {
    tasks: RefCell<Slab<Slot>>,
    ready: Arc<ReadyQueue>,
    /// The ids that wait for a poll.
    queue: Rc<LocalQueue>,
    tracer: Tracer,
    /// The task that is being polled right now. Written by `poll`.
    current: Cell<Option<Current>>,
    /// The serial of the latest task. Written by `spawn`.
    last_serial: Cell<u64>,
    /// No more tasks: the runtime is being dropped. Written by `close`.
    closed: Cell<bool>,
    counters: Arc<Counters>,
}

/// What an executor counts.
#[derive(Default, Debug)]
pub struct Counters {
    /// Calls of `poll`.
    pub polls: Counter,
    /// Ids popped whose task had ended.
    pub stale: Counter,
    /// Tasks alive.
    pub tasks: Counter,
}

/// Where a task is.
enum Slot {
    /// Here, between two polls.
    Resting(Box<AnyTask>),
    /// On the stack of `poll`. `aborted`: it asked for its own end and gets it when its poll returns.
    Running { serial: u64, aborted: bool },
}

/// What is known of a task while its slot does not hold it.
#[derive(Clone, Copy)]
struct Current {
    id: TaskId,
    at: &'static Location<'static>,
    polls: u64,
    bytes: usize,
}

/// A task as a debugger would show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSnapshot {
    /// Its id.
    pub id: TaskId,
    /// Where it was spawned.
    pub at: &'static Location<'static>,
    /// How often it was polled.
    pub polls: u64,
    /// The size of its future, in bytes.
    pub bytes: usize,
    /// What it does now.
    pub state: TaskState,
    /// Copies of its waker that are somewhere: whoever holds one can wake it. Zero, and waiting: it is lost.
    pub wakers: usize,
}

/// What a task does between birth and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// It is being polled.
    Running,
    /// Its id is on a queue.
    Queued,
    /// It waits for a wake.
    Waiting,
}

impl Executor {
    /// An executor with no tasks that takes its ids from `ready`.
    pub fn new(ready: Arc<ReadyQueue>, tracer: Tracer) -> Executor {
        Executor {
            tasks: RefCell::default(),
            queue: LocalQueue::enter(ready.clone()),
            ready,
            tracer,
            current: Cell::new(None),
            last_serial: Cell::new(0),
            closed: Cell::new(false),
            counters: Arc::default(),
        }
    }

    /// Takes a future in and queues its first poll. It does not run before the next `step`.
    /// `bytes`: the size of what the user gave, for traces.
    #[track_caller]
    pub fn spawn(&self, future: impl TaskFuture + 'static, bytes: usize) -> TaskId {
        let at = Location::caller();
        self.last_serial.set(self.last_serial.get() + 1);
        let serial = self.last_serial.get();
        if self.closed.get() {
            drop(future);
            return TaskId { slot: usize::MAX, serial };
        }
        // The place first: the id names the slot, and the task needs its id.
        let slot = self.tasks.borrow_mut().insert(Slot::Running { serial, aborted: false });
        let id = TaskId { slot, serial };
        let waker = TaskWaker::new(id, self.ready.clone(), self.tracer.clone());
        let task: Box<AnyTask> = Box::new(Task::new(at, (future, bytes), waker));
        self.counters.tasks.add(1);
        self.tracer.emit(|| Event::Spawned { task: id, parent: self.current(), at, bytes });
        task.wake();
        self.tasks.borrow_mut()[slot] = Slot::Resting(task);
        id
    }

    /// Polls the task whose id is next, once. `None`: nobody is ready.
    ///
    /// # Panics
    /// When called by a task: a poll inside a poll would run the queue in an order that nobody can explain.
    pub fn step(&self) -> Option<TaskId> {
        self.assert_outside();
        loop {
            let id = self.queue.pop()?;
            if self.poll_id(id) {
                return Some(id);
            }
        }
    }

    /// Polls the tasks whose ids wait now, each once, and none that is queued meanwhile. Returns how many polls that
    /// were.
    ///
    /// # Panics
    /// As [`Executor::step`].
    pub fn turn(&self) -> usize {
        self.assert_outside();
        // Ids, not polls, are counted: with an id of a dead task among them, counting polls would reach into the next turn.
        let ids = (0..self.queue.len()).map_while(|_| self.queue.pop_here());
        ids.filter(|id| self.poll_id(*id)).count()
    }

    /// The ids that wait for a poll.
    pub fn queue(&self) -> &LocalQueue {
        &self.queue
    }

    /// Ends a task: its future is dropped now, or when the poll that it is in returns. Nothing happens if it has
    /// ended already.
    pub fn abort(&self, id: TaskId) {
        match self.check_out(id) {
            Some(task) => self.finish(task, Outcome::Aborted),
            None => self.mark_aborted(id),
        }
    }

    /// The task that is being polled right now.
    pub fn current(&self) -> Option<TaskId> {
        self.current.get().map(|current| current.id)
    }

    /// How many tasks there are.
    pub fn len(&self) -> usize {
        self.tasks.borrow().len()
    }

    /// Whether there are no tasks.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// All tasks, in the order of their slots; the running one, if any, last.
    pub fn snapshot(&self) -> Vec<TaskSnapshot> {
        let running = self.current.get().map(Current::snapshot);
        self.tasks.borrow().iter().filter_map(|(_, slot)| slot.snapshot()).chain(running).collect()
    }

    /// What the waker of each resting task points at.
    pub(crate) fn waker_keys(&self) -> HashMap<*const (), TaskId> {
        let tasks = self.tasks.borrow();
        tasks.iter().filter_map(|(_, slot)| slot.task()).map(|task| (task.waker_key(), task.id())).collect()
    }

    /// Tells of each resting task whose result somebody waits for: its id, and what the waiting waker points at.
    pub(crate) fn each_joiner(&self, mut tell: impl FnMut(TaskId, *const ())) {
        for (_, slot) in self.tasks.borrow().iter() {
            if let Some((task, key)) = slot.task().and_then(|task| Some((task.id(), task.joiner_key()?))) {
                tell(task, key);
            }
        }
    }

    /// Refuses new tasks and drops those that there are, one by one, oldest slot first.
    pub fn close(&self) {
        self.closed.set(true);
        // One pass, however many there are: nobody can move in any more, neither by `spawn` nor by `check_in`. The ids are
        // copied, so that nothing is borrowed while a future is dropped.
        let ids: Vec<TaskId> = self.tasks.borrow().iter().filter_map(|(_, slot)| slot.resting()).collect();
        for id in ids {
            self.abort(id);
        }
    }

    fn assert_outside(&self) {
        assert!(self.current.get().is_none(), "a task cannot step the executor that polls it");
    }

    /// `false`: the task of this id has ended, and whoever lives in its slot now has another serial.
    #[inline(always)] // See `Registration::poll_io`.
    fn poll_id(&self, id: TaskId) -> bool {
        if let Some(task) = self.check_out(id) {
            self.poll(task);
            return true;
        }
        self.counters.stale.add(1);
        self.tracer.emit(|| Event::Stale { task: id });
        false
    }

    #[inline(always)] // See `Registration::poll_io`.
    fn poll(&self, mut task: Box<AnyTask>) {
        task.polls += 1;
        self.counters.polls.add(1);
        self.tracer.emit(|| Event::Polled { task: task.id(), nth: task.polls });
        let Task { at, polls, bytes, .. } = *task;
        self.current.set(Some(Current { id: task.id(), at, polls, bytes }));
        let polled = task.poll();
        self.current.set(None);
        match polled {
            Poll::Ready(outcome) => self.finish(task, outcome),
            Poll::Pending => self.check_in(task),
        }
    }

    /// Takes a resting task out of its slot. `None`: it has ended, or it is running.
    fn check_out(&self, id: TaskId) -> Option<Box<AnyTask>> {
        let mut tasks = self.tasks.borrow_mut();
        let slot = tasks.get_mut(id.slot)?;
        if slot.resting() != Some(id) {
            return None;
        }
        match mem::replace(slot, Slot::Running { serial: id.serial, aborted: false }) {
            Slot::Resting(task) => Some(task),
            Slot::Running { .. } => None,
        }
    }

    /// After a poll that returned `Pending`: puts the task back, unless it asked for its end meanwhile.
    #[inline(always)] // See `Registration::poll_io`.
    fn check_in(&self, task: Box<AnyTask>) {
        let id = task.id();
        let lost = task.is_lost();
        let mut tasks = self.tasks.borrow_mut();
        let slot = &mut tasks[id.slot];
        if self.closed.get() || matches!(slot, Slot::Running { aborted: true, .. }) {
            drop(tasks);
            return self.finish(task, Outcome::Aborted);
        }
        *slot = Slot::Resting(task);
        drop(tasks);
        self.tracer.emit(|| Event::Pending { task: id, lost });
    }

    /// Frees the slot, tells, and drops the future last: its `drop` may spawn into the slot that is now free.
    #[cold] // Rarer than polls. So a poll is short enough to be inlined: saves 22 of 2,370 instructions for a request.
    fn finish(&self, task: Box<AnyTask>, outcome: Outcome) {
        self.tasks.borrow_mut().remove(task.id().slot);
        self.counters.tasks.subtract(1);
        self.tracer.emit(|| Event::Finished { task: task.id(), outcome });
        drop(task);
    }

    fn mark_aborted(&self, id: TaskId) {
        if let Some(Slot::Running { serial, aborted }) = self.tasks.borrow_mut().get_mut(id.slot) {
            *aborted |= *serial == id.serial;
        }
    }
}

impl Slot {
    fn task(&self) -> Option<&AnyTask> {
        match self {
            Slot::Resting(task) => Some(task),
            Slot::Running { .. } => None,
        }
    }

    fn resting(&self) -> Option<TaskId> {
        self.task().map(AnyTask::id)
    }

    fn snapshot(&self) -> Option<TaskSnapshot> {
        let task = self.task()?;
        // The count first, for the reason that `Task::is_lost` gives: a thread may wake, and drop its waker, in between.
        let wakers = task.wakers_elsewhere();
        fence(Ordering::Acquire);
        let state = if task.is_queued() { TaskState::Queued } else { TaskState::Waiting };
        let AnyTask { at, polls, bytes, .. } = *task;
        Some(TaskSnapshot { id: task.id(), at, polls, bytes, state, wakers })
    }
}

impl Current {
    /// Nobody asks who holds the waker of a task that runs: it does.
    fn snapshot(self) -> TaskSnapshot {
        let Current { id, at, polls, bytes } = self;
        TaskSnapshot { id, at, polls, bytes, state: TaskState::Running, wakers: 0 }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.queue.leave();
    }
}
