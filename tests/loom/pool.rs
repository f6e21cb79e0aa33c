//! The pool of threads for blocking work: no job is lost, whichever thread comes or goes meanwhile.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::sync::{Condvar, Mutex};
use loom::thread;

use super::blocking::{Blocking, BlockingPool};
use super::ready::ReadyQueue;
use super::task::TaskWaker;
use super::trace::Tracer;
use super::{Bell, ID, JoinError, check, shared, take_all};

/// Sleeps until the work is done.
fn wait_for<T>(work: Blocking<T>) -> Result<T, JoinError> {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(bell.clone());
    let mut work = pin!(work);
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => bell.wait(),
        }
    }
}

/// Two jobs for one thread: the second is pushed while the thread runs the first, waits for more, or has ended.
#[test]
fn every_job_is_run() {
    check(|| {
        let pool = BlockingPool::new(1);
        let jobs = [1, 2].map(|number| pool.spawn(move || number));
        let results = jobs.map(|job| wait_for(job).expect("a result"));
        assert_eq!(results, [1, 2]);
    });
}

/// The same with a thread that tires at once. `push` must not count on one that has decided to go.
#[test]
fn every_job_is_run_however_soon_a_thread_leaves() {
    shared::be_impatient();
    check(|| {
        let pool = BlockingPool::new(1);
        let jobs = [1, 2].map(|number| pool.spawn(move || number));
        let results = jobs.map(|job| wait_for(job).expect("a result"));
        assert_eq!(results, [1, 2]);
    });
}

/// The mistake: the thread sees that there is no job, and counts itself out in a second step. A job pushed between the two
/// finds a thread that will never look again.
#[test]
#[should_panic(expected = "deadlock")]
fn leaving_in_two_steps_loses_a_job() {
    #[derive(Default)]
    struct Broken {
        jobs: Mutex<VecDeque<u32>>,
        threads: Mutex<usize>,
        done: Mutex<u32>,
        changed: Condvar,
    }
    fn run(pool: &Broken) {
        loop {
            let job = pool.jobs.lock().unwrap().pop_front();
            let Some(job) = job else { break };
            *pool.done.lock().unwrap() += job;
            pool.changed.notify_one();
        }
        *pool.threads.lock().unwrap() -= 1; // too late: the job may have come since
    }
    fn push(pool: &Arc<Broken>) {
        pool.jobs.lock().unwrap().push_back(1);
        let mut threads = pool.threads.lock().unwrap();
        if *threads == 0 {
            *threads += 1;
            let pool = pool.clone();
            thread::spawn(move || run(&pool));
        }
    }
    check(|| {
        let pool = Arc::new(Broken::default());
        push(&pool);
        push(&pool);
        let mut done = pool.done.lock().unwrap();
        while *done < 2 {
            done = pool.changed.wait(done).unwrap();
        }
    });
}

/// The pool closes while a job is waiting, running or done. Its future hears of it in every case, and all threads end:
/// loom would report one that does not.
#[test]
fn closing_the_pool_leaves_nobody_waiting() {
    check(|| {
        let pool = BlockingPool::new(1);
        let jobs = [1, 2].map(|number| pool.spawn(move || number));
        drop(pool);
        for (job, number) in jobs.into_iter().zip([1, 2]) {
            match wait_for(job) {
                Ok(value) => assert_eq!(value, number),
                Err(JoinError::Aborted) => {}
                Err(JoinError::Panicked(_)) => panic!("nothing panicked"),
            }
        }
    });
}

/// The mistake: a closed pool drops its jobs without a word to those who wait for them.
#[test]
#[should_panic(expected = "deadlock")]
fn dropping_a_job_in_silence_leaves_somebody_waiting() {
    check(|| {
        let slot = Arc::new(super::BlockingSlot::new());
        let theirs = slot.clone();
        let closed = Arc::new(Mutex::new(false));
        let is_closed = closed.clone();
        let pool_thread = thread::spawn(move || {
            if !*is_closed.lock().unwrap() {
                theirs.fill(Ok(1)); // The real job holds a promise, whose drop fills the slot too.
            }
        });
        *closed.lock().unwrap() = true;
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(bell.clone());
        while slot.poll(&waker).is_pending() {
            bell.wait();
        }
        pool_thread.join().unwrap();
    });
}

/// All of it together: a task waits for blocking work while its runtime goes to sleep. The pool's thread stores the
/// result, wakes the task, and the ready queue ends the sleep.
#[test]
fn blocking_work_ends_the_runtimes_sleep() {
    check(|| {
        let (queue, bell) = (Arc::new(ReadyQueue::new()), Arc::new(Bell::default()));
        let ring = bell.clone();
        queue.set_unpark(Box::new(move || ring.ring()));
        let task = Arc::new(TaskWaker::new(ID, queue.clone(), Tracer::default()));
        let waker = Waker::from(task.clone());
        let pool = BlockingPool::new(1);
        let mut work = pin!(pool.spawn(|| 42));
        waker.wake_by_ref(); // as spawn does
        let value = 'run: loop {
            for _ in take_all(&queue) {
                task.clear_queued();
                if let Poll::Ready(value) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
                    break 'run value;
                }
            }
            if queue.try_park() {
                bell.wait();
                queue.unparked();
            }
        };
        assert!(matches!(value, Ok(42)));
    });
}
