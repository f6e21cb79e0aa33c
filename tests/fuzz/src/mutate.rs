//! A small seeded mutator: the fuzzer for machines without a fuzzer.
//!
//! It takes inputs of the corpus, splices, cuts, repeats and flips them, and throws in words that mean something. No
//! feedback from the code, so it is blind where libFuzzer sees; but it runs on any toolchain, and the same seed
//! makes the same inputs.

use std::fs;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread;

/// Numbers that look random and are the same for the same seed (xorshift64).
pub struct Random(u64);

impl Random {
    /// A sequence for this seed.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`, which is at least 1.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 16) % end as u64).expect("cannot exceed a usize")
    }
}

/// Words on which the parsers turn.
const WORDS: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "=",
    "\"",
    "\\",
    "/",
    "?",
    "#",
    "%",
    "%00",
    "%2f",
    "%41",
    "%zz",
    "*",
    "&",
    "+",
    "{",
    "}",
    "\0",
    "\x7f",
    "\u{e9}",
    "0",
    "1",
    "9",
    "f",
    "-1",
    "+5",
    "0x",
    "00000000",
    "18446744073709551616",
    "ffffffffffffffff",
    "GET ",
    "HEAD ",
    "POST ",
    "OPTIONS ",
    "CONNECT ",
    "get ",
    " HTTP/1.1",
    " HTTP/1.0",
    " HTTP/1.2",
    " HTTP/2.0",
    " HTTP/0.9",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "Host: a\r\n",
    "Host: b:80\r\n",
    "Host:\r\n",
    "http://a/",
    "https://[::1]:1/",
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "Content-Length: ",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding:",
    "chunked",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Connection: ",
    "close",
    "keep-alive",
    "Expect: 100-continue\r\n",
    "Expect: x\r\n",
    "Upgrade: h2c\r\n",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "0\r\nA: b\r\n\r\n",
    "5;a=b\r\n",
    "5;a=\"b\\\"\"\r\n",
    " \r\n",
    "a: b\r\n c\r\n",
    "hello",
];

/// Changes an input in a few places.
pub fn mutate(input: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(16) + 1).min(bytes.len());
        match random.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => {
                bytes[at] = u8::try_from(random.below(256)).expect("cannot exceed a byte");
            }
            2 => drop(bytes.drain(at..end)),
            3 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy.repeat(1 + random.below(3)));
            }
            4 => {
                let from = random.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            5 => bytes.truncate(at),
            _ => drop(bytes.splice(at..at, WORDS[random.below(WORDS.len())].bytes())),
        }
    }
    bytes.truncate(8 * 1024);
    bytes
}

/// The inputs of a target's folder, in the order of their names.
///
/// # Panics
/// When the folder cannot be read, or holds nothing.
pub fn corpus(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "seed"));
    paths.sort();
    assert!(!paths.is_empty(), "{} holds no seeds", folder.display());
    paths.iter().map(|path| fs::read(path).expect("a readable seed")).collect()
}

/// Runs a target on each input of its corpus, then on `executions` mutations. Says how many inputs that were.
///
/// # Panics
/// When the target does, with the smallest input found that makes it panic.
pub fn run(target: fn(&[u8]), corpus: &[Vec<u8>], executions: u64, seed: u64) -> u64 {
    for input in corpus {
        attempt(target, input);
    }
    let mut random = Random::new(seed);
    for _ in 0..executions {
        let input = &corpus[random.below(corpus.len())];
        let other = &corpus[random.below(corpus.len())];
        attempt(target, &mutate(input, other, &mut random));
    }
    executions + corpus.len() as u64
}

fn attempt(target: fn(&[u8]), input: &[u8]) {
    if panics(target, input) {
        let small = silently(|| shrink(target, input.to_vec()));
        eprintln!("the smallest input found that fails:\n{}", small.escape_ascii());
        target(&small);
        unreachable!("the target does not fail a second time");
    }
}

/// Without this thread's panic messages: the first was printed, and those on the way to a small input bury it.
pub fn silently<T>(work: impl FnOnce() -> T) -> T {
    let hook = Arc::new(panic::take_hook());
    let (usual, own) = (hook.clone(), thread::current().id());
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() != own {
            usual(info);
        }
    }));
    let result = work();
    drop(panic::take_hook());
    // The very hook, not one that calls it: a fuzzer comes here a million times.
    match Arc::try_unwrap(hook) {
        Ok(hook) => panic::set_hook(hook),
        Err(hook) => panic::set_hook(Box::new(move |info| hook(info))),
    }
    result
}

fn panics(target: fn(&[u8]), input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| target(input))).is_err()
}

/// Leaves out pieces, large ones first, as long as it still fails.
fn shrink(target: fn(&[u8]), mut input: Vec<u8>) -> Vec<u8> {
    let mut size = input.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at + size <= input.len() {
            let mut smaller = input.clone();
            smaller.drain(at..at + size);
            if panics(target, &smaller) {
                input = smaller;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    input
}
