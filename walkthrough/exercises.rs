//! The exercises of all chapters, unsolved: each test fails until you solve its exercise.
//!
//! `cargo test --example exercises ch07` runs those of chapter 7. Edit `walkthrough/07-.../exercise1.rs` until they pass.

fn main() {
    println!("try: cargo test --example exercises ch01");
}

// chapter 01
#[cfg(test)]
#[path = "01-one-blocking-read/exercise1.rs"]
mod ch01_exercise1;
#[cfg(test)]
#[path = "01-one-blocking-read/exercise2.rs"]
mod ch01_exercise2;

// chapter 02
#[cfg(test)]
#[path = "02-never-wait/exercise1.rs"]
mod ch02_exercise1;
#[cfg(test)]
#[path = "02-never-wait/exercise2.rs"]
mod ch02_exercise2;

// chapter 03
#[cfg(test)]
#[path = "03-who-tells-us/exercise1.rs"]
mod ch03_exercise1;
#[cfg(test)]
#[path = "03-who-tells-us/exercise2.rs"]
mod ch03_exercise2;

// chapter 04
#[cfg(test)]
#[path = "04-what-is-a-future/exercise1.rs"]
mod ch04_exercise1;
#[cfg(test)]
#[path = "04-what-is-a-future/exercise2.rs"]
mod ch04_exercise2;

// chapter 05
#[cfg(test)]
#[path = "05-why-not-poll-all/exercise1.rs"]
mod ch05_exercise1;
#[cfg(test)]
#[path = "05-why-not-poll-all/exercise2.rs"]
mod ch05_exercise2;

// chapter 06
#[cfg(test)]
#[path = "06-what-is-a-waker/exercise1.rs"]
mod ch06_exercise1;
#[cfg(test)]
#[path = "06-what-is-a-waker/exercise2.rs"]
mod ch06_exercise2;

// chapter 07
#[cfg(test)]
#[path = "07-ready-queue/exercise1.rs"]
mod ch07_exercise1;
#[cfg(test)]
#[path = "07-ready-queue/exercise2.rs"]
mod ch07_exercise2;

// chapter 08
#[cfg(test)]
#[path = "08-socket-wakes-task/exercise1.rs"]
mod ch08_exercise1;
#[cfg(test)]
#[path = "08-socket-wakes-task/exercise2.rs"]
mod ch08_exercise2;

// chapter 09

// chapter 10

// chapter 11

// chapter 12

// chapter 13

// chapter 14

// chapter 15

// chapter 16
