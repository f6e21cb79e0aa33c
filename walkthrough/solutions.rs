//! The solutions of all exercises, under the names that the exercises have in `exercises.rs`, against the same tests.
//!
//! `cargo test --example solutions ch07` runs those of chapter 7.

fn main() {
    println!("try: cargo test --example solutions ch01");
}

// chapter 01
#[cfg(test)]
#[path = "01-one-blocking-read/solution1.rs"]
mod ch01_exercise1;
#[cfg(test)]
#[path = "01-one-blocking-read/solution2.rs"]
mod ch01_exercise2;

// chapter 02
#[cfg(test)]
#[path = "02-never-wait/solution1.rs"]
mod ch02_exercise1;
#[cfg(test)]
#[path = "02-never-wait/solution2.rs"]
mod ch02_exercise2;

// chapter 03
#[cfg(test)]
#[path = "03-who-tells-us/solution1.rs"]
mod ch03_exercise1;
#[cfg(test)]
#[path = "03-who-tells-us/solution2.rs"]
mod ch03_exercise2;

// chapter 04

// chapter 05

// chapter 06

// chapter 07

// chapter 08

// chapter 09

// chapter 10

// chapter 11

// chapter 12

// chapter 13

// chapter 14
#[cfg(test)]
#[path = "14-slow-many-hostile/solution1.rs"]
mod ch14_exercise1;
#[cfg(test)]
#[path = "14-slow-many-hostile/solution2.rs"]
mod ch14_exercise2;

// chapter 15
#[cfg(test)]
#[path = "15-how-does-it-stop/solution1.rs"]
mod ch15_exercise1;
#[cfg(test)]
#[path = "15-how-does-it-stop/solution2.rs"]
mod ch15_exercise2;

// chapter 16
#[cfg(test)]
#[path = "16-how-do-we-know/solution1.rs"]
mod ch16_exercise1;
#[cfg(test)]
#[path = "16-how-do-we-know/solution2.rs"]
mod ch16_exercise2;
