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
#[cfg(test)]
#[path = "04-what-is-a-future/solution1.rs"]
mod ch04_exercise1;
#[cfg(test)]
#[path = "04-what-is-a-future/solution2.rs"]
mod ch04_exercise2;

// chapter 05
#[cfg(test)]
#[path = "05-why-not-poll-all/solution1.rs"]
mod ch05_exercise1;
#[cfg(test)]
#[path = "05-why-not-poll-all/solution2.rs"]
mod ch05_exercise2;

// chapter 06
#[cfg(test)]
#[path = "06-what-is-a-waker/solution1.rs"]
mod ch06_exercise1;
#[cfg(test)]
#[path = "06-what-is-a-waker/solution2.rs"]
mod ch06_exercise2;

// chapter 07
#[cfg(test)]
#[path = "07-ready-queue/solution1.rs"]
mod ch07_exercise1;
#[cfg(test)]
#[path = "07-ready-queue/solution2.rs"]
mod ch07_exercise2;

// chapter 08
#[cfg(test)]
#[path = "08-socket-wakes-task/solution1.rs"]
mod ch08_exercise1;
#[cfg(test)]
#[path = "08-socket-wakes-task/solution2.rs"]
mod ch08_exercise2;

// chapter 09
#[cfg(test)]
#[path = "09-nobody-is-ready/solution1.rs"]
mod ch09_exercise1;
#[cfg(test)]
#[path = "09-nobody-is-ready/solution2.rs"]
mod ch09_exercise2;

// chapter 10
#[cfg(test)]
#[path = "10-what-is-time/solution1.rs"]
mod ch10_exercise1;
#[cfg(test)]
#[path = "10-what-is-time/solution2.rs"]
mod ch10_exercise2;

// chapter 11
#[cfg(test)]
#[path = "11-what-if-i-drop-it/solution1.rs"]
mod ch11_exercise1;
#[cfg(test)]
#[path = "11-what-if-i-drop-it/solution2.rs"]
mod ch11_exercise2;

// chapter 12
#[cfg(test)]
#[path = "12-who-goes-next/solution1.rs"]
mod ch12_exercise1;
#[cfg(test)]
#[path = "12-who-goes-next/solution2.rs"]
mod ch12_exercise2;

// chapter 13
#[cfg(test)]
#[path = "13-http-on-top/solution1.rs"]
mod ch13_exercise1;
#[cfg(test)]
#[path = "13-http-on-top/solution2.rs"]
mod ch13_exercise2;

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
