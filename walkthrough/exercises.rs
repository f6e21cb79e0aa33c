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

// chapter 05

// chapter 06

// chapter 07

// chapter 08

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

// chapter 15

// chapter 16
