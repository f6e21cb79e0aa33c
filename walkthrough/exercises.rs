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
#[cfg(test)]
#[path = "09-nobody-is-ready/exercise1.rs"]
mod ch09_exercise1;
#[cfg(test)]
#[path = "09-nobody-is-ready/exercise2.rs"]
mod ch09_exercise2;

// chapter 10
#[cfg(test)]
#[path = "10-what-is-time/exercise1.rs"]
mod ch10_exercise1;
#[cfg(test)]
#[path = "10-what-is-time/exercise2.rs"]
mod ch10_exercise2;

// chapter 11
#[cfg(test)]
#[path = "11-what-if-i-drop-it/exercise1.rs"]
mod ch11_exercise1;
#[cfg(test)]
#[path = "11-what-if-i-drop-it/exercise2.rs"]
mod ch11_exercise2;

// chapter 12
#[cfg(test)]
#[path = "12-who-goes-next/exercise1.rs"]
mod ch12_exercise1;
#[cfg(test)]
#[path = "12-who-goes-next/exercise2.rs"]
mod ch12_exercise2;

// chapter 13
#[cfg(test)]
#[path = "13-http-on-top/exercise1.rs"]
mod ch13_exercise1;
#[cfg(test)]
#[path = "13-http-on-top/exercise2.rs"]
mod ch13_exercise2;

// chapter 14
#[cfg(test)]
#[path = "14-slow-many-hostile/exercise1.rs"]
mod ch14_exercise1;
#[cfg(test)]
#[path = "14-slow-many-hostile/exercise2.rs"]
mod ch14_exercise2;

// chapter 15
#[cfg(test)]
#[path = "15-how-does-it-stop/exercise1.rs"]
mod ch15_exercise1;
#[cfg(test)]
#[path = "15-how-does-it-stop/exercise2.rs"]
mod ch15_exercise2;

// chapter 16
#[cfg(test)]
#[path = "16-how-do-we-know/exercise1.rs"]
mod ch16_exercise1;
#[cfg(test)]
#[path = "16-how-do-we-know/exercise2.rs"]
mod ch16_exercise2;
