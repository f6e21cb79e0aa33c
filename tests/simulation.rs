//! The whole server in a simulated world: every run is made from a seed, and the same seed is the same run.
//!
//! The real accept loop, connections, handlers and timers run over pipes in memory and a clock that stands still.
//! Around them clients split requests at any byte, stall, trickle, reset, close half and pipeline; events are late,
//! double or for nothing, from this thread and from another, in the middle of a poll; tasks are aborted, time jumps,
//! `accept` fails. `tally.rs` lists all of it, and a test sees each kind happen.
//!
//! ```text
//!   seed --> script (steps, as data) --> world --> judges: is every answer right, in order, in time? is anything left?
//! ```
//!
//! `GLASSBOX_SEEDS=100000 cargo test --release --test simulation` plays more seeds; a failure prints the command that
//! repeats it, the smallest script that still fails, and its timeline. `GLASSBOX_SEED=7` plays one.

mod simulation {
    #[allow(dead_code, reason = "the conformance suite uses all of it")]
    #[path = "../conformance/client.rs"]
    pub mod client;
    pub mod rng;
    pub mod stranger;
    pub mod request;
    pub mod script;
    pub mod tally;
    pub mod ghost;
    pub mod log;
    pub mod sabotage;
    pub mod pace;
    pub mod pipe;
    pub mod server_end;
    pub mod listener;
    pub mod workers;
    pub mod routes;
    pub mod judge;
    pub mod witness;
    pub mod world;
    pub mod end;
    pub mod shrink;

    /// What the handler that panics says: it is not worth a line on the terminal.
    pub const ON_PURPOSE: &str = "on purpose";
}

use std::collections::BTreeMap;
use std::sync::Once;
use std::time::Instant;

use simulation::log::text;
use simulation::sabotage::{Place, Sabotage};
use simulation::script::Script;
use simulation::shrink::shrink;
use simulation::stranger::Stranger;
use simulation::tally::{KINDS, Tally};
use simulation::world::{Outcome, play};

/// How many seeds `cargo test` plays: a few seconds without optimisation. Under miri each takes as long as a hundred.
const SEEDS: u64 = if cfg!(miri) { 2 } else { 200 };

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?} (hint: a number)")))
}

/// Handlers that panic on purpose do so silently.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let on_purpose = {
                let payload = info.payload();
                let text = payload.downcast_ref::<&str>().copied();
                text.or(payload.downcast_ref::<String>().map(String::as_str)) == Some(simulation::ON_PURPOSE)
            };
            if !on_purpose {
                usual(info);
            }
        }));
    });
}

/// What kind of failure it is: "answer 3 is due" and "answer 5 is due" are the same.
fn without_digits(reason: &str) -> String {
    reason.chars().filter(|letter| !letter.is_ascii_digit()).take(60).collect()
}

/// Shrinks, and says everything that is needed to repeat and to understand.
fn report(script: Script, sabotage: Option<Sabotage>, stranger: &Stranger) -> String {
    let seed = script.seed;
    let kind =
        |script: &Script| play(script, sabotage, stranger).result.err().map(|error| without_digits(&error));
    let wanted = kind(&script);
    let smallest = shrink(script, |script| kind(script) == wanted);
    let outcome = play(&smallest, sabotage, stranger);
    let reason = outcome.result.err().unwrap_or_else(|| "it passes when it is played again".to_owned());
    format!(
        "seed {seed} fails: {reason}\nto repeat it: GLASSBOX_SEED={seed} cargo test --test simulation the_seeds -- \
         --nocapture\nthe smallest script that fails: {smallest:#?}\nits timeline:\n{}",
        text(&outcome.timeline)
    )
}

/// Every seed of the range: no answer is lost, doubled or out of order, no task is lost, no limit is exceeded, nothing
/// is left. Every 16th is played twice and must tell the same story, byte for byte.
#[test]
fn the_seeds() {
    quiet_panics();
    let stranger = Stranger::new();
    let seeds = match setting("GLASSBOX_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..setting("GLASSBOX_SEEDS").unwrap_or(SEEDS),
    };
    let (begin, count) = (Instant::now(), seeds.end - seeds.start);
    let (mut answers, mut events, mut doubled) = (0, 0, 0);
    for seed in seeds {
        let script = Script::new(seed);
        let outcome = play(&script, None, &stranger);
        assert!(outcome.result.is_ok(), "{}", report(script, None, &stranger));
        answers += outcome.answers;
        events += outcome.timeline.len();
        if seed % 16 == 0 || count == 1 {
            doubled += 1;
            let again = play(&script, None, &stranger);
            assert_eq!(text(&outcome.timeline), text(&again.timeline), "seed {seed} told two stories");
        }
    }
    println!(
        "{count} seeds, {answers} answers, {events} lines of timeline, {doubled} played twice: {:.1?}",
        begin.elapsed()
    );
    assert!(answers > 0);
}

/// Each deliberate mistake is noticed in a good part of the runs in which it happens. (Some are nobody's mistake: a byte
/// more in a Host header, an answer to a client that is gone. An event is often followed by another one.)
#[test]
fn sabotage_is_noticed() {
    quiet_panics();
    let stranger = Stranger::new();
    for (sabotage, one_in) in [
        (Sabotage::SwallowByte(Place::Request), 2),
        (Sabotage::DoubleByte(Place::Request), 2),
        (Sabotage::SwallowByte(Place::Answer), 2),
        (Sabotage::DoubleByte(Place::Answer), 2),
        (Sabotage::SwallowWake, 6),
        (Sabotage::Disguise, 2),
    ] {
        let (mut done, mut noticed) = (0, 0);
        for seed in 0..200 {
            let Outcome { result, sabotaged, .. } = play(&Script::new(seed), Some(sabotage), &stranger);
            done += u32::from(sabotaged);
            noticed += u32::from(sabotaged && result.is_err());
        }
        println!("{sabotage:?}: noticed {noticed} times of {done}");
        assert!(done >= 20, "{sabotage:?} took place {done} times");
        assert!(noticed * one_in >= done, "{sabotage:?}: noticed {noticed} times of {done}");
    }
}

/// A judge who expects another order, or other time limits, objects to what is right.
#[test]
fn a_judge_who_is_wrong_objects() {
    quiet_panics();
    let stranger = Stranger::new();
    for (sabotage, reason) in [
        (Sabotage::WrongOrder, "answer 1 to"),
        (Sabotage::Hasty, "a connection is idle for longer than the limit"),
        (Sabotage::Patient, "the connection ended without a reason"),
    ] {
        let objects = |seed| {
            let result = play(&Script::new(seed), Some(sabotage), &stranger).result;
            result.is_err_and(|error| error.contains(reason))
        };
        let count = (0..60).filter(|seed| objects(*seed)).count();
        println!("{sabotage:?}: objected to {count} runs of 60");
        assert!(count >= 8, "{sabotage:?}: objected to {count} runs of 60");
    }
}

/// A server that keeps another least rate than it was told is found out: one that lets clients be too slow, and one that
/// cuts clients who are fast enough. With bodies that they send, and with answers that they take.
#[test]
fn another_rate_is_noticed() {
    quiet_panics();
    let stranger = Stranger::new();
    for (sabotage, reason) in [(Sabotage::Lenient, "for longer than the limit"), (Sabotage::Strict, "")] {
        let (mut bodies, mut answers) = (0, 0);
        for seed in 0..500 {
            let Outcome { result, sabotaged, .. } = play(&Script::new(seed), Some(sabotage), &stranger);
            let Err(error) = result else { continue };
            assert!(sabotaged, "without a rate there is nothing to mistake, but: {error}");
            assert!(error.contains(reason), "{error}");
            let is_body = error.contains("a body is on its way") || error.contains("at Body(");
            *if is_body { &mut bodies } else { &mut answers } += 1;
        }
        println!("{sabotage:?}: noticed in 500 runs with {bodies} bodies and {answers} answers");
        assert!(bodies.min(answers) >= 4, "{sabotage:?}: {bodies} bodies, {answers} answers in 500 runs");
    }
}

/// All that the worlds are said to be made of does happen in them, within a thousand seeds; and the list says all.
#[test]
fn everything_happens() {
    quiet_panics();
    let stranger = Stranger::new();
    let (mut tally, mut first) = (Tally::new(), BTreeMap::new());
    for seed in 0..1000 {
        for (kind, count) in play(&Script::new(seed), None, &stranger).tally {
            *tally.entry(kind).or_default() += count;
            first.entry(kind).or_insert(seed);
        }
    }
    for (kind @ (what, how), count) in &tally {
        println!("{count:>8} {what}: {how} (first in seed {})", first[kind]);
    }
    let missing: Vec<_> = KINDS.iter().filter(|kind| !tally.contains_key(*kind)).collect();
    let unlisted: Vec<_> = tally.keys().filter(|kind| !KINDS.contains(kind)).collect();
    assert!(missing.is_empty() && unlisted.is_empty(), "never: {missing:?}; not on the list: {unlisted:?}");
}

/// A failure is made smaller, and says how to repeat it.
#[test]
fn a_failure_is_shrunk_and_told() {
    quiet_panics();
    let stranger = Stranger::new();
    let sabotage = Some(Sabotage::SwallowByte(Place::Answer));
    let fails = |seed: &u64| play(&Script::new(*seed), sabotage, &stranger).result.is_err();
    let seed =
        (0..50).filter(fails).max_by_key(|seed| Script::new(*seed).steps.len()).expect("one of them fails");
    let script = Script::new(seed);
    let steps = script.steps.len();
    let told = report(script, sabotage, &stranger);
    assert!(told.contains(&format!("GLASSBOX_SEED={seed} cargo test --test simulation")), "{told}");
    let left = told
        .lines()
        .skip_while(|line| !line.contains("steps: ["))
        .filter(|line| *line == "        ),")
        .count();
    assert!(left < steps / 2, "{left} of {steps} steps are left:\n{told}");
}
