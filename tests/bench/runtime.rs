//! What a wake, a spawn, a foreign wake and a timer cost, beside tokio's current_thread and async-executor's
//! LocalExecutor.
//!
//! The problem: a figure alone says little, because it depends on the machine and on what else runs there. So each
//! contest is run by all runtimes in the same minute, in many short rounds, in turns:
//!
//! ```text
//!   round 1:  ours  tokio  local        Each round gives one time per runtime and one ratio per rival.
//!   round 2:  tokio local  ours         What is printed is the median over all rounds, so a round
//!   round 3:  local ours   tokio        in which something else had the processor does not count.
//! ```
//!
//! 1. Equal work: all three run the same future, spawned as a task. Only `yield_now` is each one's own.
//! 2. tokio has its I/O and time drivers on, as in a server: ours has them always. LocalExecutor has none.
//! 3. All threads stay on one core. On two, a foreign wake measures where the scheduler put the other thread, and how
//!    deeply an idle core sleeps: 5 or 45 microseconds, from run to run, whoever's runtime it is.
//! 4. Nothing here passes or fails. Read the ratios: below 1.00 ours is the faster one. Of the two lines "timer armed +
//!    dropped" read the times, too: with a thousand times as many timers one costs more by some factor, not a thousand times.
//!
//! Run it with `cargo bench --bench runtime`. Words after `--` select contests by a part of their name.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use async_executor::LocalExecutor;
use glassbox::future::yield_now;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use tokio::runtime::Builder;

/// Rounds for each contest. Arbitrary: enough for a steady median, few enough for a minute in all.
const ROUNDS: usize = 201;
/// Rounds of a contest that takes seconds.
const FEW_ROUNDS: usize = 5;

/// Keeps this thread, and those that it starts, on the first core that it may use.
fn stay_on_one_core() -> nix::Result<()> {
    let myself = Pid::from_raw(0);
    let allowed = sched_getaffinity(myself)?;
    let mut one = CpuSet::new();
    if let Some(core) = (0..CpuSet::count()).find(|core| allowed.is_set(*core).unwrap_or(false)) {
        one.set(core)?;
    }
    sched_setaffinity(myself, &one)
}

fn main() {
    if let Err(error) = stay_on_one_core() {
        eprintln!("not on one core ({error}): the foreign wake says little");
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    // Cargo passes `--bench` to a benchmark. Without it one round shows that everything still runs.
    let rounds = if words.iter().any(|word| word == "--bench") { ROUNDS } else { 1 };
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    println!(
        "{:34} {:>9} {:>9} {:>9}   ours/tokio  ours/local",
        "ns per operation", "ours", "tokio", "local"
    );
    for contest in contests() {
        if wanted.is_empty() || wanted.iter().any(|word| contest.name.contains(*word)) {
            contest.hold(rounds);
        }
    }
}

/// All contests. The second argument is the number of operations in a round.
fn contests() -> Vec<Contest> {
    vec![
        Contest::new("wake + poll, two tasks in turns", 20_000, |runtime, count| runtime.rally(count)),
        Contest::new("wake + poll, a task wakes itself", 20_000, |runtime, count| {
            runtime.wake_self(1, count);
        }),
        Contest::new("wake + poll, 100 tasks ready", 20_000, |runtime, count| runtime.wake_self(100, count)),
        Contest::new("yield_now, each one's own", 5_000, |runtime, count| runtime.own_yields(count)),
        Contest::new("spawn + join", 5_000, |runtime, count| runtime.spawn_and_join(count)),
        Contest::new("spawn 100, then join them", 10_000, |runtime, count| runtime.spawn_then_join(count)),
        Contest::new("foreign wake, there and back", 100, |runtime, count| runtime.ask_thread(count)),
        Contest::new("timer reset + poll", 20_000, |runtime, count| runtime.reset_timer(count))
            .without_local(),
        Contest::new("timer armed + dropped, 1,000", 1_000, |runtime, count| runtime.crowd_of_timers(count))
            .without_local(),
        Contest::new("timer armed + dropped, 1,000,000", 1_000_000, |runtime, count| {
            runtime.crowd_of_timers(count);
        })
        .without_local()
        .with_few_rounds(),
    ]
}

// ---------------------------------------------------------------------------------------------------------------
// A contest: rounds, medians, a line of output.

struct Contest {
    name: &'static str,
    /// Operations in one round.
    count: u32,
    run: fn(&dyn Contender, u32),
    /// LocalExecutor has no timers.
    with_local: bool,
    most_rounds: usize,
}

impl Contest {
    fn new(name: &'static str, count: u32, run: fn(&dyn Contender, u32)) -> Contest {
        Contest { name, count, run, with_local: true, most_rounds: ROUNDS }
    }

    fn without_local(self) -> Contest {
        Contest { with_local: false, ..self }
    }

    fn with_few_rounds(self) -> Contest {
        Contest { most_rounds: FEW_ROUNDS, ..self }
    }

    fn hold(&self, rounds: usize) {
        let mut contenders: Vec<Box<dyn Contender>> = vec![Box::new(Ours::new()), Box::new(Tokio::new())];
        if self.with_local {
            contenders.push(Box::new(Local::new()));
        }
        let mut times = vec![Vec::new(); contenders.len()];
        for round in 0..rounds.min(self.most_rounds) {
            for turn in 0..contenders.len() {
                let who = (round + turn) % contenders.len();
                times[who].push(self.time(&*contenders[who]));
            }
        }
        self.report(&times);
    }

    /// Nanoseconds per operation in one round.
    fn time(&self, contender: &dyn Contender) -> f64 {
        let start = Instant::now();
        (self.run)(contender, self.count);
        start.elapsed().as_secs_f64() * 1e9 / f64::from(self.count)
    }

    fn report(&self, times: &[Vec<f64>]) {
        let median_of = |who: usize| times.get(who).map(|times| median(times.clone()));
        let ratio_to = |who: usize| {
            let theirs = times.get(who)?;
            Some(median(times[0].iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()))
        };
        let [ours, tokio, local] = [0, 1, 2].map(|who| cell(median_of(who), 1));
        let [to_tokio, to_local] = [1, 2].map(|who| cell(ratio_to(who), 2));
        println!("{:34} {ours:>9} {tokio:>9} {local:>9}   {to_tokio:>10}  {to_local:>10}", self.name);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn cell(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.digits$}"))
}

// ---------------------------------------------------------------------------------------------------------------
// The contenders.

/// A runtime that does `count` operations of each kind.
trait Contender {
    /// Two tasks wake each other in turns.
    fn rally(&self, count: u32);
    /// Each of `tasks` tasks wakes itself.
    fn wake_self(&self, tasks: u32, count: u32);
    /// One task calls the runtime's own `yield_now`.
    fn own_yields(&self, count: u32);
    /// One task spawns another and awaits it, again and again.
    fn spawn_and_join(&self, count: u32);
    /// One task spawns 100 others, then awaits all, again and again.
    fn spawn_then_join(&self, count: u32);
    /// One task asks a thread, sleeps, and is woken by it.
    fn ask_thread(&self, count: u32);
    /// One task moves a deadline an hour ahead to a little later and polls it.
    fn reset_timer(&self, count: u32);
    /// One task arms so many timers, which are armed all at once, and drops them.
    fn crowd_of_timers(&self, count: u32);
}

/// The part that is the same for all. `run_all` spawns some futures and blocks until all have ended.
macro_rules! same_for_all {
    () => {
        fn rally(&self, count: u32) {
            self.run_all(Court::players(count));
        }

        fn wake_self(&self, tasks: u32, count: u32) {
            self.run_all((0..tasks).map(|_| yields(count / tasks)));
        }

        fn ask_thread(&self, count: u32) {
            self.run_all([ask_many(self.partner.clone(), count)]);
        }
    };
}

struct Ours {
    runtime: glassbox::Runtime,
    partner: Arc<Partner>,
}

impl Ours {
    fn new() -> Ours {
        Ours {
            runtime: glassbox::Runtime::new().expect("cannot build our runtime"),
            partner: Partner::start(),
        }
    }

    fn run_all(&self, futures: impl IntoIterator<Item = impl Future<Output = ()> + 'static>) {
        let handles: Vec<_> = futures.into_iter().map(|future| self.runtime.handle().spawn(future)).collect();
        self.runtime.block_on(async {
            for handle in handles {
                handle.await.expect("cannot fail");
            }
        });
    }
}

impl Contender for Ours {
    same_for_all!();

    fn own_yields(&self, count: u32) {
        self.run_all([yields(count)]);
    }

    fn spawn_and_join(&self, count: u32) {
        let handle = self.runtime.handle();
        self.run_all([async move {
            for number in 0..count {
                black_box(handle.spawn(async move { number }).await.expect("cannot fail"));
            }
        }]);
    }

    fn spawn_then_join(&self, count: u32) {
        let handle = self.runtime.handle();
        self.run_all([async move {
            for _ in 0..count / 100 {
                let crowd: Vec<_> = (0..100).map(|number| handle.spawn(async move { number })).collect();
                for handle in crowd {
                    black_box(handle.await.expect("cannot fail"));
                }
            }
        }]);
    }

    fn reset_timer(&self, count: u32) {
        let handle = self.runtime.handle();
        self.run_all([async move {
            let start = in_an_hour();
            let mut sleep = handle.sleep_until(start);
            for step in 1..=count {
                sleep.reset(start + Duration::from_micros(step.into()));
                Peek(Pin::new(&mut sleep)).await;
            }
        }]);
    }

    fn crowd_of_timers(&self, count: u32) {
        let handle = self.runtime.handle();
        self.run_all([arm_and_drop(scattered(count).map(move |deadline| handle.sleep_until(deadline)))]);
    }
}

struct Tokio {
    runtime: tokio::runtime::Runtime,
    partner: Arc<Partner>,
}

impl Tokio {
    fn new() -> Tokio {
        let runtime =
            Builder::new_current_thread().enable_all().build().expect("cannot build tokio's runtime");
        Tokio { runtime, partner: Partner::start() }
    }

    fn run_all(&self, futures: impl IntoIterator<Item = impl Future<Output = ()> + Send + 'static>) {
        let handles: Vec<_> = futures.into_iter().map(|future| self.runtime.spawn(future)).collect();
        self.runtime.block_on(async {
            for handle in handles {
                handle.await.expect("cannot fail");
            }
        });
    }
}

impl Contender for Tokio {
    same_for_all!();

    fn own_yields(&self, count: u32) {
        self.run_all([async move {
            for _ in 0..count {
                tokio::task::yield_now().await;
            }
        }]);
    }

    fn spawn_and_join(&self, count: u32) {
        self.run_all([async move {
            for number in 0..count {
                black_box(tokio::spawn(async move { number }).await.expect("cannot fail"));
            }
        }]);
    }

    fn spawn_then_join(&self, count: u32) {
        self.run_all([async move {
            for _ in 0..count / 100 {
                let crowd: Vec<_> = (0..100).map(|number| tokio::spawn(async move { number })).collect();
                for handle in crowd {
                    black_box(handle.await.expect("cannot fail"));
                }
            }
        }]);
    }

    fn reset_timer(&self, count: u32) {
        self.run_all([async move {
            let start = in_an_hour();
            let mut sleep = Box::pin(tokio::time::sleep_until(start.into()));
            for step in 1..=count {
                sleep.as_mut().reset((start + Duration::from_micros(step.into())).into());
                Peek(sleep.as_mut()).await;
            }
        }]);
    }

    fn crowd_of_timers(&self, count: u32) {
        self.run_all([arm_and_drop(scattered(count).map(|at| tokio::time::sleep_until(at.into())))]);
    }
}

struct Local {
    executor: std::rc::Rc<LocalExecutor<'static>>,
    partner: Arc<Partner>,
}

impl Local {
    fn new() -> Local {
        Local { executor: std::rc::Rc::new(LocalExecutor::new()), partner: Partner::start() }
    }

    fn run_all(&self, futures: impl IntoIterator<Item = impl Future<Output = ()> + 'static>) {
        let tasks: Vec<_> = futures.into_iter().map(|future| self.executor.spawn(future)).collect();
        futures_lite::future::block_on(self.executor.run(async {
            for task in tasks {
                task.await;
            }
        }));
    }
}

impl Contender for Local {
    same_for_all!();

    fn own_yields(&self, count: u32) {
        self.run_all([async move {
            for _ in 0..count {
                futures_lite::future::yield_now().await;
            }
        }]);
    }

    fn spawn_and_join(&self, count: u32) {
        let executor = self.executor.clone();
        self.run_all([async move {
            for number in 0..count {
                black_box(executor.spawn(async move { number }).await);
            }
        }]);
    }

    fn spawn_then_join(&self, count: u32) {
        let executor = self.executor.clone();
        self.run_all([async move {
            for _ in 0..count / 100 {
                let crowd: Vec<_> = (0..100).map(|number| executor.spawn(async move { number })).collect();
                for task in crowd {
                    black_box(task.await);
                }
            }
        }]);
    }

    fn reset_timer(&self, _count: u32) {
        unreachable!("LocalExecutor has no timers");
    }

    fn crowd_of_timers(&self, _count: u32) {
        unreachable!("LocalExecutor has no timers");
    }
}

// ---------------------------------------------------------------------------------------------------------------
// The work: futures that know no runtime.

/// Wakes its own task `count` times.
async fn yields(count: u32) {
    for _ in 0..count {
        yield_now().await;
    }
}

/// Where two players meet: one ball, and the way to call the other.
struct Court {
    /// Set by each player's first poll. A player stays in one task, so its first waker is good for ever.
    wakers: [OnceLock<Waker>; 2],
    /// Whose turn it is.
    ball: AtomicUsize,
}

/// Waits for the ball, sends it back, and wakes the other player. One stroke is one wake and one poll.
struct Player {
    court: Arc<Court>,
    me: usize,
    strokes: u32,
}

impl Court {
    /// Two players who make `strokes` strokes together.
    fn players(strokes: u32) -> [Player; 2] {
        let court = Arc::new(Court { wakers: Default::default(), ball: AtomicUsize::new(0) });
        [0, 1].map(|me| Player { court: court.clone(), me, strokes: strokes / 2 })
    }
}

impl Future for Player {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Player { court, me, strokes } = &mut *self;
        court.wakers[*me].get_or_init(|| cx.waker().clone());
        if court.ball.load(Ordering::Relaxed) != *me {
            return Poll::Pending;
        }
        let other = 1 - *me;
        court.ball.store(other, Ordering::Relaxed);
        // Empty before the other's first poll, which comes anyway: both were spawned.
        if let Some(waker) = court.wakers[other].get() {
            waker.wake_by_ref();
        }
        *strokes -= 1;
        if *strokes == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// A thread that answers each waker it is sent by waking it.
struct Partner {
    asks: Sender<Waker>,
    answered: AtomicBool,
}

impl Partner {
    /// Starts the thread. It ends with the last `Partner`.
    fn start() -> Arc<Partner> {
        let (asks, asked) = mpsc::channel::<Waker>();
        let partner = Arc::new(Partner { asks, answered: AtomicBool::new(false) });
        let weak = Arc::downgrade(&partner);
        thread::spawn(move || {
            for waker in asked {
                let Some(partner) = weak.upgrade() else { return };
                partner.answered.store(true, Ordering::Release);
                waker.wake();
            }
        });
        partner
    }
}

async fn ask_many(partner: Arc<Partner>, count: u32) {
    for _ in 0..count {
        Ask { partner: &partner, sent: false }.await;
    }
}

/// Sends the waker to the thread and waits for the answer.
struct Ask<'p> {
    partner: &'p Partner,
    sent: bool,
}

impl Future for Ask<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.sent {
            self.sent = true;
            self.partner.asks.send(cx.waker().clone()).expect("cannot lose the thread");
        }
        if self.partner.answered.swap(false, Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// A moment that does not come while this runs.
fn in_an_hour() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

/// So many moments from an hour ahead on, a microsecond apart, in no order. `count` is a power of ten.
fn scattered(count: u32) -> impl Iterator<Item = Instant> {
    let start = in_an_hour();
    let count = u64::from(count);
    // Some 0.618 of the count, and for a power of ten without a divisor in common: each step comes once, far from the last.
    let stride = (count * 618_033 / 1_000_000) | 1;
    (0..count).map(move |number| start + Duration::from_micros(number * stride % count))
}

/// Polls each timer once, which arms it, and drops them when the last of them is armed. Boxed, because tokio's cannot be
/// moved any more.
async fn arm_and_drop<S: Future>(sleeps: impl Iterator<Item = S>) {
    let mut armed = Vec::with_capacity(sleeps.size_hint().0);
    for sleep in sleeps {
        let mut sleep = Box::pin(sleep);
        Peek(sleep.as_mut()).await;
        armed.push(sleep);
    }
}

/// Polls the inner future once and is ready whatever it says.
struct Peek<F>(F);

impl<F: Future + Unpin> Future for Peek<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        drop(black_box(Pin::new(&mut self.0).poll(cx)));
        Poll::Ready(())
    }
}
