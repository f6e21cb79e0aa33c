//! What happens in one run, as data: the clients' requests and a list of steps. Made from a seed, and made smaller when
//! it fails.

use std::io;

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
    /// Somebody aborts the task that a handler waits for.
    AbortWorker,
    /// Another thread raises the flag that some handlers wait for.
    Raise,
    /// The server is asked to stop.
    Stop,
}

impl Step {
    /// Which client does this, if it is one's doing.
    fn client(self) -> Option<usize> {
        match self {
            Step::Connect(client)
            | Step::Send(client, ..)
            | Step::Take(client, ..)
            | Step::End(client, ..)
            | Step::Reset(client, ..)
            | Step::FalseAlarm(client, ..)
            | Step::Abort(client) => Some(client),
            _ => None,
        }
    }
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
    /// The same, as some systems say it.
    Reset,
    /// A signal came.
    Interrupted,
}

impl AcceptError {
    pub const ALL: [AcceptError; 5] = [
        AcceptError::Emfile,
        AcceptError::Enfile,
        AcceptError::Aborted,
        AcceptError::Reset,
        AcceptError::Interrupted,
    ];

    /// What C calls it.
    pub fn name(self) -> &'static str {
        match self {
            AcceptError::Emfile => "EMFILE",
            AcceptError::Enfile => "ENFILE",
            AcceptError::Aborted => "ECONNABORTED",
            AcceptError::Reset => "ECONNRESET",
            AcceptError::Interrupted => "EINTR",
        }
    }

    /// Whether the next `accept` may be fine: it was about one connection, or about none.
    pub fn is_passing(self) -> bool {
        !matches!(self, AcceptError::Emfile | AcceptError::Enfile)
    }

    /// As `std` hands it out.
    pub fn error(self) -> io::Error {
        match self {
            // What Linux, the BSDs and macOS call them.
            AcceptError::Emfile => io::Error::from_raw_os_error(24),
            AcceptError::Enfile => io::Error::from_raw_os_error(23),
            AcceptError::Aborted => io::ErrorKind::ConnectionAborted.into(),
            AcceptError::Reset => io::ErrorKind::ConnectionReset.into(),
            AcceptError::Interrupted => io::ErrorKind::Interrupted.into(),
        }
    }
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
    /// The least rate that the server asks for, in bytes a second.
    pub min_rate: u64,
    /// Behind which of the runtime's events another thread wakes somebody.
    pub haunted: Vec<usize>,
    pub steps: Vec<Step>,
}

impl Script {
    /// The script of this seed.
    pub fn new(seed: u64) -> Script {
        let mut rng = Rng::new(seed);
        let mut number = 0;
        let mut clients: Vec<ClientPlan> =
            (0..rng.between(1, 4)).map(|_| client(&mut rng, &mut number)).collect();
        let listens = !rng.one_in(3);
        let connections = rng.pick(&[1, 2, 3, 100]);
        let min_rate = rng.pick(&[0, 0, 10, 240, 3000]);
        let haunts = if rng.one_in(4) { rng.between(1, 12) } else { 0 };
        let haunted = (0..haunts).map(|_| rng.below(200)).collect();
        let mut steps: Vec<Step> = (0..clients.len()).map(Step::Connect).collect();
        for _ in 0..rng.between(5, 60) {
            steps.push(step(&mut rng, clients.len(), listens));
        }
        if rng.one_in(2) {
            let trickle = trickle(&mut rng, &mut clients, min_rate);
            if !rng.one_in(4) {
                // In most worlds nothing else hurries it, ends it, or lets hours pass.
                let slow = trickle[0].client();
                steps.retain(|step| step.client() != slow && !matches!(step, Step::Advance(6000..)));
                steps.splice(0..0, slow.map(Step::Connect));
            }
            merge(&mut rng, &mut steps, trickle);
        }
        // Connections come at any time, but most of them early.
        for first in 0..clients.len() {
            if rng.one_in(4) {
                let later = rng.below(steps.len());
                steps.swap(first, later);
            }
        }
        Script { seed, clients, listens, connections, min_rate, haunted, steps }
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

/// One client goes on slowly, about as fast as the least rate, a little at a time: with a body that it sends, or with an
/// answer that it takes.
fn trickle(rng: &mut Rng, clients: &mut [ClientPlan], min_rate: u64) -> Vec<Step> {
    let client = rng.below(clients.len());
    let ClientPlan { requests, room, .. } = &mut clients[client];
    let sends = *room == usize::MAX || rng.one_in(3);
    if sends {
        *room = usize::MAX; // Or an echo would soon wait for room.
    }
    let least = usize::try_from(min_rate.max(10)).expect("small");
    let size = rng.between(10 * least, 60 * least);
    requests[0].what = if sends { Kind::with_a_body(rng, size) } else { Kind::with_a_long_answer(rng, size) };
    let (head, _) = requests[0].bytes();
    let begun = if sends { head.len() + rng.between(0, 100) } else { usize::MAX };
    let mut steps = vec![Step::Send(client, begun, Tell::Now), Step::Settle];
    let percent = rng.pick(&[20, 40, 60, 100, 110, 150, 300]);
    for _ in 0..rng.between(6, 24) {
        let ms = rng.pick(&[500, 1000, 2000, 3000, 5000]);
        let due = least * ms * percent / 100_000;
        let (amount, tell) = (due.max(1), if rng.one_in(6) { tell(rng) } else { Tell::Now });
        steps.push(Step::Advance(ms as u64));
        steps.push(if sends { Step::Send(client, amount, tell) } else { Step::Take(client, amount, tell) });
        steps.push(Step::Settle);
    }
    steps
}

/// Steps among others, each list in its own order.
fn merge(rng: &mut Rng, steps: &mut Vec<Step>, more: Vec<Step>) {
    let mut place = steps.iter().take_while(|step| matches!(step, Step::Connect(_))).count();
    for step in more {
        let left = steps.len() - place;
        // Most of them stand close together, or time would pass in between.
        place += if rng.one_in(4) { rng.below(left.min(4) + 1) } else { 0 };
        steps.insert(place, step);
        place += 1;
    }
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
        94..96 if listens => Step::AcceptError(rng.pick(&AcceptError::ALL)),
        94..96 => Step::Abort(client),
        92..94 => Step::AbortWorker,
        96..98 => Step::Raise,
        98 if listens => Step::Stop,
        _ => Step::Settle, // also 86 to 91
    }
}
