//! What happens in one run, as data: the clients' requests and a list of steps. Made from a seed, and made smaller when
//! it fails.

use super::request::Kind;
use super::rng::Rng;

/// One thing that the world does to the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// A client's connection arrives at the listener.
    Connect(usize),
    /// A client sends its next so many bytes.
    Send(usize, usize, Tell),
    /// A client takes so many bytes of what the server has written.
    Take(usize, usize, Tell),
    /// A client sends its last byte: it closes its half.
    End(usize, Tell),
    /// A client's connection breaks: both directions fail from now on.
    Reset(usize, Tell),
    /// The operating system says "ready" without a reason.
    FalseAlarm(usize, Tell),
    /// Events that are late arrive now.
    Deliver,
    /// Time passes, in milliseconds.
    Advance(u64),
    /// So many polls, wherever that leads.
    Polls(usize),
    /// Everything that can happen now happens.
    Settle,
    /// Somebody aborts a connection's task.
    Abort(usize),
    /// The next `accept` fails in this way.
    AcceptError(AcceptError),
    /// Another thread raises the flag that some handlers wait for.
    Raise,
    /// The server is asked to stop.
    Stop,
}

/// How the server's task hears of what a client did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tell {
    /// At once, from the runtime's own thread, as the reactor does.
    Now,
    /// Twice at once.
    Twice,
    /// At once, from another thread.
    Foreign,
    /// Not before the next `Deliver`.
    Late,
    /// As `Late`, and another thread has the waker meanwhile.
    LateForeign,
}

/// Errors of `accept`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AcceptError {
    /// No descriptors are left in the process.
    Emfile,
    /// None are left in the system.
    Enfile,
    /// The client has given up already.
    Aborted,
}

/// One client: what it will ask for, and how much it lets the server write before it reads.
#[derive(Clone, Debug)]
pub struct ClientPlan {
    pub requests: Vec<Kind>,
    pub room: usize,
    /// After the script it sends the rest, reads everything and closes. Otherwise it does nothing more.
    pub finishes: bool,
}

/// A whole run.
#[derive(Clone, Debug)]
pub struct Script {
    pub seed: u64,
    pub clients: Vec<ClientPlan>,
    /// The server's own accept loop runs; otherwise each connection is a task of ours, which can be aborted.
    pub listens: bool,
    /// The most connections at once.
    pub connections: usize,
    pub steps: Vec<Step>,
}

impl Script {
    /// The script of this seed.
    pub fn new(seed: u64) -> Script {
        let mut rng = Rng::new(seed);
        let mut number = 0;
        let clients: Vec<ClientPlan> =
            (0..rng.between(1, 4)).map(|_| client(&mut rng, &mut number)).collect();
        let listens = !rng.one_in(3);
        let connections = rng.pick(&[1, 2, 3, 100]);
        let mut steps: Vec<Step> = (0..clients.len()).map(Step::Connect).collect();
        for _ in 0..rng.between(5, 60) {
            steps.push(step(&mut rng, clients.len(), listens));
        }
        // Connections come at any time, but most of them early.
        for first in 0..clients.len() {
            if rng.one_in(4) {
                let later = rng.below(steps.len());
                steps.swap(first, later);
            }
        }
        Script { seed, clients, listens, connections, steps }
    }
}

fn client(rng: &mut Rng, number: &mut usize) -> ClientPlan {
    let count = rng.pick(&[1, 1, 2, 3, 5, 12, 40]);
    let mut next = || {
        *number += 1;
        Kind::any(rng, *number)
    };
    let requests: Vec<Kind> = (0..count).map(|_| next()).collect();
    let room = rng.pick(&[1, 100, 1000, 20_000, usize::MAX, usize::MAX]);
    ClientPlan { requests, room, finishes: !rng.one_in(3) }
}

fn tell(rng: &mut Rng) -> Tell {
    rng.pick(&[Tell::Now, Tell::Now, Tell::Now, Tell::Twice, Tell::Foreign, Tell::Late, Tell::LateForeign])
}

fn amount(rng: &mut Rng) -> usize {
    let most = rng.pick(&[1, 1, 3, 30, 300, 3000, 30_000, 1_000_000]);
    rng.between(1, most)
}

fn step(rng: &mut Rng, clients: usize, listens: bool) -> Step {
    let client = rng.below(clients);
    let tell = tell(rng);
    match rng.below(100) {
        0..38 => Step::Send(client, amount(rng), tell),
        38..56 => Step::Take(client, amount(rng), tell),
        56..59 => Step::End(client, tell),
        59..61 => Step::Reset(client, tell),
        61..65 => Step::FalseAlarm(client, tell),
        65..69 => Step::Deliver,
        69..80 => Step::Advance(rng.pick(&[1, 99, 1000, 1000, 2000, 3000, 4000, 6000, 20_000, 3_600_000])),
        80..86 => Step::Polls(rng.between(1, 5)),
        94..96 if listens => {
            Step::AcceptError(rng.pick(&[AcceptError::Emfile, AcceptError::Enfile, AcceptError::Aborted]))
        }
        94..96 => Step::Abort(client),
        96..98 => Step::Raise,
        98 if listens => Step::Stop,
        _ => Step::Settle, // also 86 to 93
    }
}
