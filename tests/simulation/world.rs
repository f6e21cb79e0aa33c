//! One run: a server in memory, its clients, a clock that stands still, and the script that moves it all.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use glassbox::http::service::Service;
use glassbox::http::stats::Stats;
use glassbox::http::{Limits, Server, Stopped, serve_connection};
use glassbox::sync::Flag;
use glassbox::{JoinHandle, Runtime};

use super::judge::{Circumstances, Judge};
use super::listener::Backlog;
use super::log::{Entry, Log};
use super::pipe::Pipe;
use super::routes::{self, Complaints};
use super::sabotage::{Sabotage, Saboteur};
use super::script::{Script, Step, Tell};
use super::stranger::Stranger;
use super::tally::Tally;
use super::workers::Workers;

pub(super) const SECOND: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(10);

/// A world that polls this often without coming to rest never will.
const RESTLESS: usize = 200_000;

/// The server's limits: short, and all different, so that one taken for another shows.
fn limits(script: &Script) -> Limits {
    Limits {
        head_timeout: 5 * SECOND,
        body_timeout: 7 * SECOND,
        write_timeout: 11 * SECOND,
        idle_timeout: 13 * SECOND,
        handler_timeout: 17 * SECOND,
        min_rate: script.min_rate,
        connections: script.connections,
        ..Limits::default()
    }
}

/// How the server runs: with its accept loop, or connection by connection.
pub(super) enum Kind {
    Listening(Option<JoinHandle<Stopped>>),
    Single(Rc<Service>),
}

/// One client and its connection.
pub(super) struct Client {
    pub(super) pipe: Pipe,
    judge: Judge,
    connected: bool,
    pub(super) finishes: bool,
    /// The connection's task, when it is ours.
    task: Option<JoinHandle<()>>,
}

/// Everything in a run.
pub struct World<'s> {
    pub(super) runtime: Runtime,
    pub(super) kind: Kind,
    pub(super) clients: Vec<Client>,
    backlog: Backlog,
    now: Rc<Cell<Duration>>,
    /// The server was asked to stop; and when it had heard of it at the latest.
    stopped: bool,
    heard: Option<Duration>,
    stop: Flag,
    pub(super) flag: Flag,
    complaints: Complaints,
    workers: Workers,
    pub(super) stats: Arc<Stats>,
    limits: Limits,
    pub(super) log: Arc<Log>,
    /// Entries of the log that were looked through.
    looked: usize,
    pub(super) stranger: &'s Stranger,
}

/// What became of a run.
pub struct Outcome {
    pub result: Result<(), String>,
    pub timeline: Vec<Entry>,
    /// How often each kind of thing has happened.
    pub tally: Tally,
    /// Requests that were answered.
    pub answers: usize,
    /// The sabotage took place.
    pub sabotaged: bool,
}

/// Plays a script from its beginning to the end of the last connection.
pub fn play(script: &Script, sabotage: Option<Sabotage>, stranger: &Stranger) -> Outcome {
    let log = Arc::new(Log::new(&script.haunted));
    let patience = usize::try_from(script.seed * 37 % 301).expect("small");
    let saboteur = Rc::new(Saboteur::new(sabotage, patience));
    let answers = Cell::new(0);
    let run = || {
        let mut world = World::new(script, sabotage, (log.clone(), saboteur.clone()), stranger);
        let result = world.play(script);
        answers.set(world.clients.iter().map(|client| client.judge.seen()).sum());
        result
    };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    let result = result.unwrap_or_else(|payload| {
        Err(format!("a panic: {}", glassbox::runtime::panics::panic_message(&payload)))
    });
    log.close();
    let (timeline, tally) = (log.entries(), log.tally());
    Outcome { result, timeline, tally, answers: answers.get(), sabotaged: saboteur.is_done() }
}

impl<'s> World<'s> {
    fn new(
        script: &Script,
        sabotage: Option<Sabotage>,
        (log, saboteur): (Arc<Log>, Rc<Saboteur>),
        stranger: &'s Stranger,
    ) -> World<'s> {
        let runtime =
            Runtime::builder().frozen_clock().observer(log.clone()).build().expect("cannot build a runtime");
        let (handle, flag, stop) = (runtime.handle(), Flag::new(), Flag::new());
        let (now, stats) = (Rc::<Cell<Duration>>::default(), Arc::new(Stats::new()));
        let complaints: Complaints = Rc::new(RefCell::default());
        let workers = Workers::default();
        let router = routes::router(&handle, &flag, &complaints, &workers);
        let mut limits = limits(script);
        let told = saboteur.misunderstand(&limits);
        let server = Server::new(router).limits(told).grace(GRACE).stats(stats.clone());
        let backlog = Backlog::new((log.clone(), now.clone()), stats.clone(), saboteur.clone());
        let kind = if script.listens {
            let (listener, stopping) = (backlog.listener(handle.clone()), stop.clone());
            let running = server.run(listener, async move { stopping.raised().await });
            Kind::Listening(Some(handle.spawn(running)))
        } else {
            Kind::Single(server.into_service(handle))
        };
        match sabotage {
            Some(Sabotage::Hasty) => limits.idle_timeout -= SECOND,
            Some(Sabotage::Patient) => limits.idle_timeout += SECOND,
            _ => {}
        }
        let client = |(number, plan): (usize, &super::script::ClientPlan)| {
            let around = (log.clone(), now.clone());
            let pipe = Pipe::new((number, script.seed), plan.room, around, saboteur.clone());
            let mut judge = Judge::new(&plan.requests);
            if sabotage == Some(Sabotage::WrongOrder) {
                judge.confuse();
            }
            Client { pipe, judge, connected: false, finishes: plan.finishes, task: None }
        };
        let clients = script.clients.iter().enumerate().map(client).collect();
        World {
            runtime,
            kind,
            clients,
            backlog,
            now,
            stopped: false,
            heard: None,
            stop,
            flag,
            complaints,
            workers,
            stats,
            limits,
            log,
            looked: 0,
            stranger,
        }
    }

    fn play(&mut self, script: &Script) -> Result<(), String> {
        for step in &script.steps {
            self.log.push(Entry::Step(*step));
            self.step(*step);
            if *step == Step::Settle {
                self.settle()?;
            }
        }
        self.settle()?;
        self.finish()?;
        self.nothing_is_left()
    }

    fn step(&mut self, step: Step) {
        let stranger = self.stranger;
        match step {
            Step::Connect(client) => self.connect(client),
            Step::Send(client, count, tell) => self.send(client, count, tell),
            Step::Take(client, count, tell) => self.clients[client].pipe.take(count, tell, stranger),
            Step::End(client, tell) => self.clients[client].pipe.end(tell, stranger),
            Step::Reset(client, tell) => {
                self.witness(client, "reset");
                self.clients[client].pipe.reset(tell, stranger);
            }
            Step::FalseAlarm(client, tell) => self.clients[client].pipe.false_alarm(tell, stranger),
            Step::Deliver => self.clients.iter().for_each(|client| client.pipe.deliver(stranger)),
            Step::Advance(ms) => self.advance(Duration::from_millis(ms)),
            Step::Polls(count) => {
                for _ in 0..count {
                    self.runtime.step();
                }
            }
            Step::Settle => {}
            Step::Abort(client) => self.abort(client),
            Step::AbortWorker => self.abort_worker(),
            Step::AcceptError(error) => drop(self.backlog.push(Err(error))),
            Step::Raise => self.raise(self.flag.clone()),
            Step::Stop => self.stop(),
        }
    }

    pub(super) fn connect(&mut self, number: usize) {
        let client = &mut self.clients[number];
        if std::mem::replace(&mut client.connected, true) {
            return;
        }
        match &self.kind {
            Kind::Single(service) => {
                client.pipe.accept();
                let serving = serve_connection(service.clone(), client.pipe.server_end(), None);
                client.task = Some(self.runtime.handle().spawn(serving));
            }
            Kind::Listening(_) => {
                if !self.backlog.push(Ok(client.pipe.clone())) {
                    drop(client.pipe.server_end()); // Refused: nobody listens any more.
                }
            }
        }
    }

    /// Nothing is sent behind the last byte, or into a connection that does not exist yet, or any more.
    pub(super) fn send(&mut self, number: usize, count: usize, tell: Tell) {
        let Client { pipe, judge, connected, .. } = &mut self.clients[number];
        if !*connected || pipe.is_ended() || pipe.is_reset() || pipe.dropped_at().is_some() {
            return;
        }
        let end = judge.sent.saturating_add(count).min(judge.stream.len());
        pipe.send(&judge.stream[judge.sent..end], tell, self.stranger);
        judge.sent = end;
    }

    fn abort(&mut self, number: usize) {
        if self.clients[number].task.is_some() {
            self.witness(number, "abort of a connection");
        }
        let client = &mut self.clients[number];
        if let Some(task) = &client.task {
            client.judge.aborted |= !task.is_finished();
            task.abort();
        }
    }

    fn abort_worker(&self) {
        if self.workers.abort_one() {
            self.log.count(("end of a handler", "of its own task, by an abort"));
        }
    }

    /// Something is about to happen to a connection, which must be there.
    fn witness(&self, number: usize, what: &'static str) {
        let Client { pipe, judge, .. } = &self.clients[number];
        if pipe.accepted_at().is_some() && pipe.dropped_at().is_none() && !pipe.is_reset() {
            self.log.count((what, judge.stage(pipe, pipe.consumed()).name()));
        }
    }

    pub(super) fn raise(&self, flag: Flag) {
        self.stranger.call(move || flag.raise());
    }

    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.raise(self.stop.clone());
    }

    pub(super) fn advance(&self, time: Duration) {
        if time >= Duration::from_secs(3600) {
            self.log.count(("clock", "an hour ahead"));
        }
        self.now.set(self.now.get() + time);
        self.runtime.advance(time);
    }

    /// Lets everything happen that can happen now, and judges what came of it.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        let mut polls = 0;
        loop {
            let polled = self.runtime.turn();
            polls += polled;
            if polls > RESTLESS {
                return Err(format!("no rest after {RESTLESS} polls"));
            }
            if polled == 0 {
                self.runtime.park(Some(Duration::ZERO)).map_err(|error| error.to_string())?;
                if self.runtime.ready().is_empty() {
                    return self.judge();
                }
            }
        }
    }

    fn judge(&mut self) -> Result<(), String> {
        if self.stopped {
            self.heard.get_or_insert(self.now.get());
        }
        let (accident, looked) = self.log.accident(self.looked);
        self.looked = looked;
        if let Some(accident) = accident {
            return Err(accident);
        }
        if let Some(lost) = self.runtime.census().iter().find(|report| report.is_lost()) {
            return Err(format!("lost: {lost}"));
        }
        if let Some(complaint) = self.complaints.borrow().first() {
            return Err(complaint.clone());
        }
        let around = Circumstances { now: self.now.get(), stopped: self.stopped, limits: &self.limits };
        for (number, Client { pipe, judge, .. }) in self.clients.iter_mut().enumerate() {
            judge.judge(pipe, around).map_err(|error| format!("client {number}: {error}"))?;
        }
        self.judge_server()
    }

    /// The accept loop accepts when it can, and ends in time.
    fn judge_server(&self) -> Result<(), String> {
        let Kind::Listening(task) = &self.kind else { return Ok(()) };
        let since = |then: Duration| self.now.get().saturating_sub(then);
        let ended = task.as_ref().is_none_or(JoinHandle::is_finished);
        if let Some(heard) = self.heard {
            let late = !ended && since(heard) >= GRACE;
            return if late {
                Err("the grace period is over, and the server runs".to_owned())
            } else {
                Ok(())
            };
        }
        if ended || self.backlog.is_closed() {
            return Err("the server has ended without being asked".to_owned());
        }
        let full = self.stats.open.get() >= self.limits.connections as u64;
        if self.backlog.is_hasty() {
            return Err("no descriptors, and accept is tried again at once".to_owned());
        }
        if !self.backlog.is_empty() && !full && !self.backlog.is_failing() {
            return Err("somebody waits in the backlog, and nobody accepts".to_owned());
        }
        Ok(())
    }
}
