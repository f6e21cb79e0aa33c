//! The flag that stops several runtimes at once: whoever waits for it hears of it.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, Ordering::SeqCst};
use loom::thread;

use super::flag::Flag;
use super::{Bell, check};

/// One thread raises the flag while two others begin to wait for it.
#[test]
fn everybody_who_waits_hears_of_the_flag() {
    check(|| {
        let flag = Flag::new();
        let raiser = flag.clone();
        let waiting = flag.clone();
        let threads = [thread::spawn(move || raiser.raise()), thread::spawn(move || wait_for(&waiting))];
        wait_for(&flag);
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

fn wait_for(flag: &Flag) {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(bell.clone());
    let mut raised = pin!(flag.raised());
    while raised.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        bell.wait();
    }
}

/// The mistake: the flag is looked at outside of the lock. It goes up, and finds no waker, between the look and the
/// leaving of the waker.
#[test]
#[should_panic(expected = "deadlock")]
fn looking_at_the_flag_outside_of_the_lock_loses_a_wake() {
    loom::model(|| {
        let raised = Arc::new(AtomicBool::new(false));
        let place = Arc::new(Mutex::new(None::<Waker>));
        let theirs = (raised.clone(), place.clone());
        let other = thread::spawn(move || {
            theirs.0.store(true, SeqCst);
            let waker = theirs.1.lock().unwrap().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(bell.clone());
        while !raised.load(SeqCst) {
            *place.lock().unwrap() = Some(waker.clone());
            bell.wait();
        }
        other.join().unwrap();
    });
}
