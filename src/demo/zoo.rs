//! The zoo: tasks that are wrong on purpose, behind bars (`--zoo`).
//!
//! Each exhibit is a classic mistake in a few lines. Ask for it, and see what it does to the others, and which lint
//! names it. None does lasting harm: each ends by itself, or holds a few hundred bytes.

use std::future::{self, Future};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use glassbox::Handle;
use glassbox::http::Router;

/// How long `/zoo/block` holds the thread: several times what the watchdog lets pass.
const BLOCK: Duration = Duration::from_millis(500);

/// How long `/zoo/hog` works: beyond the second at which its lint speaks.
const HOG: Duration = Duration::from_millis(1500);

/// Between two rounds of the hog lies less than this, unless the kernel gave the CPU to another program meanwhile.
const ROUND: Duration = Duration::from_micros(100);

/// How often the task of `/zoo/spin` wakes itself. With `--trace` each is three lines.
const SPINS: u32 = 10_000;

/// A mistake with its label.
struct Exhibit {
    name: &'static str,
    see: &'static str,
    why: &'static str,
    mend: &'static str,
}

const EXHIBITS: [Exhibit; 5] = [
    Exhibit {
        name: "block",
        see: "half a second in which no other curl is answered; lint blocked",
        why: "the handler calls thread::sleep: it holds the only thread, and nobody is polled",
        mend: "handle.sleep(..).await to wait; spawn_blocking for work that blocks",
    },
    Exhibit {
        name: "spin",
        see: "polls by the thousand in /metrics while nothing happens; lint self-wakes",
        why: "a task wakes itself in each poll: to the queue it looks busy, to everybody else it is a busy loop",
        mend: "leave the waker with whoever has news, and let that one wake",
    },
    Exhibit {
        name: "lost",
        see: "a task in /debug/tasks that waits for nobody, for ever; lint lost-waker",
        why: "its future returned Pending and left its waker nowhere",
        mend: "store cx.waker() before Pending, in the place where whoever has news looks",
    },
    Exhibit {
        name: "panic",
        see: "a 500 for this request, and a server that goes on",
        why: "a panic unwinds the handler's poll and is caught there: it ends one answer, not the thread",
        mend: "return an error; a panic is for what cannot happen",
    },
    Exhibit {
        name: "hog",
        see: "a second and a half in which no other curl is answered, at full CPU; lint never-yielded",
        why: "it awaits in a loop, but each of these futures is ready at once: an await that need not wait never yields",
        mend: "yield_now().await now and then, as the connection does after 32 transfers",
    },
];

/// Adds the routes.
pub fn routes(router: Router, handle: &Handle, address: SocketAddr) -> Router {
    let guide = guide(address);
    let (spinner, loser, hog) = (handle.clone(), handle.clone(), handle.clone());
    router
        .get("/zoo", async move |_| guide.clone())
        .get("/zoo/block", async |_| {
            thread::sleep(BLOCK); // Wrong on purpose.
            label("block")
        })
        .get("/zoo/spin", async move |_| {
            spinner.spawn(Spin { left: SPINS }).detach();
            label("spin")
        })
        .get("/zoo/lost", async move |_| {
            loser.spawn(Lost).detach();
            label("lost")
        })
        .get("/zoo/panic", async |_| caught_by_the_connection())
        .get("/zoo/hog", async move |_| {
            hog.spawn(never_yields()).detach();
            label("hog")
        })
}

fn caught_by_the_connection() -> &'static str {
    panic!("a panic in a handler, on purpose")
}

/// Asks to be polled again in each poll, though nothing has changed.
struct Spin {
    left: u32,
}

impl Future for Spin {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.left == 0 {
            return Poll::Ready(());
        }
        self.left -= 1;
        cx.waker().wake_by_ref(); // Wrong on purpose: a wake without news.
        Poll::Pending
    }
}

/// Says "wake me later" and leaves no number.
struct Lost;

impl Future for Lost {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending // Wrong on purpose: the waker was not stored.
    }
}

/// An await in each round, and not one that waits.
async fn never_yields() {
    let (mut worked, mut last) = (Duration::ZERO, Instant::now());
    while worked < HOG {
        future::ready(()).await;
        let now = Instant::now();
        worked += (now - last).min(ROUND);
        last = now;
    }
}

/// What an exhibit answers.
fn label(name: &str) -> String {
    let exhibit = EXHIBITS.iter().find(|exhibit| exhibit.name == name);
    exhibit.map_or_else(String::new, Exhibit::text)
}

impl Exhibit {
    fn text(&self) -> String {
        format!("{}\n  see:  {}\n  why:  {}\n  mend: {}\n", self.name, self.see, self.why, self.mend)
    }
}

/// All labels, each with the line to type.
fn guide(address: SocketAddr) -> String {
    let exhibit =
        |exhibit: &Exhibit| format!("$ curl http://{address}/zoo/{}\n{}\n", exhibit.name, exhibit.text());
    format!("Tasks that are wrong on purpose.\n\n{}", EXHIBITS.iter().map(exhibit).collect::<String>())
}
