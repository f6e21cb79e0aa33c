//! Starting and stopping: one runtime per worker, one port, one shutdown for all.
//!
//! ```text
//!   main thread: worker 0 + signals --- Ctrl-C ---> Flag::raise()
//!   thread 1:    worker 1               each worker waits for the flag: close, drain, end
//! ```

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use glassbox::http::Server;
use glassbox::http::stats::Stats;
use glassbox::inspect::{Stepper, report};
use glassbox::metrics::Worker;
use glassbox::net::{ListenOptions, TcpListener};
use glassbox::runtime::panics::panic_message;
use glassbox::signal::{Signals, StopSignals};
use glassbox::sync::Flag;
use glassbox::{Observer, Recorder, Runtime};

use super::debug::Inside;
use super::options::Options;
use super::routes::{self, Surroundings};
use super::watch::Watch;
use super::{debug, zoo};

/// What a shell reports for a program that was ended by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Serves until a signal comes.
pub fn run(options: &Options) -> ExitCode {
    start_log(options.verbosity);
    options.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    raise_descriptor_limit();
    match serve(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`: it panics when nobody can read it, and the exit code would be another one.
            let _ = writeln!(io::stderr(), "glassbox: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A runtime with its listener, before it runs.
struct Ready {
    runtime: Runtime,
    listener: TcpListener,
    stats: Arc<Stats>,
    /// The latest events, if anybody may ask for them.
    ring: Option<Arc<Recorder>>,
    /// Whoever stops it, with `--step`.
    stepper: Option<Arc<Stepper>>,
}

/// What the workers share.
struct Crew {
    options: Options,
    /// Everybody's numbers, for `/metrics`. Locked when a worker starts and when somebody asks.
    workers: Arc<Mutex<Vec<Worker>>>,
    watch: Arc<Watch>,
    stop: Flag,
}

fn serve(options: &Options) -> Result<(), String> {
    let crew =
        Crew { options: options.clone(), workers: Arc::default(), watch: Arc::default(), stop: Flag::new() };
    if let Some(folder) = options.files.as_deref().filter(|folder| !folder.is_dir()) {
        return Err(format!("{} is no folder (hint: --files wants one that exists)", folder.display()));
    }
    let trace_file = options.trace_file.as_deref().map(create).transpose()?;
    let first = prepare(&crew, options.listen, 0)?;
    let address = first.listener.local_addr().map_err(|error| error.to_string())?;
    let signals =
        StopSignals::new(&first.runtime.handle(), INTERRUPTED).map_err(|error| error.to_string())?;
    first.runtime.handle().spawn(stop_at_signal(signals, crew.stop.clone())).detach();
    announce(address, options);
    let crew = &crew;
    let mut results = Vec::new();
    thread::scope(|scope| {
        let start = |nth| {
            let work = move || {
                all_or_none(&crew.stop, nth, || {
                    prepare(crew, address, nth).map(|ready| ready.run(crew, address))
                })
            };
            thread::Builder::new().name(format!("worker {nth}")).spawn_scoped(scope, work)
        };
        let others: Vec<_> = (1..options.workers).map(start).collect();
        results.push(all_or_none(&crew.stop, 0, || {
            if let Some(error) = others.iter().find_map(|thread| thread.as_ref().err()) {
                return Err(format!("cannot start a worker: {error} (hint: ulimit -u)"));
            }
            first.run(crew, address);
            Ok(())
        }));
        let threads = others.into_iter().flatten();
        results
            .extend(threads.map(|thread| thread.join().expect("cannot panic: `all_or_none` catches that")));
    });
    log::info!("stopped");
    if let Some(file) = &trace_file {
        crew.watch.write_to(file).map_err(|error| format!("cannot write the trace: {error} (hint: df)"))?;
    }
    results.into_iter().collect()
}

/// Made at the start, so that a bad path is known before there is something to lose.
fn create(path: &Path) -> Result<File, String> {
    let failed = |error| {
        format!("cannot create {}: {error} (hint: --trace-file wants a writable path)", path.display())
    };
    File::create(path).map_err(failed)
}

/// A worker's life. If it fails or panics, all stop: a server that goes on with fewer workers than it was given would
/// say that all is well, and answer the connections of a port that nobody reads with silence.
fn all_or_none(stop: &Flag, nth: usize, life: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let result = catch_unwind(AssertUnwindSafe(life))
        .unwrap_or_else(|payload| Err(format!("worker {nth} panicked: {}", panic_message(&payload))));
    if let Err(error) = &result {
        log::error!("{error}; stopping");
        stop.raise();
    }
    result
}

fn prepare(crew: &Crew, address: SocketAddr, nth: usize) -> Result<Ready, String> {
    let mut builder = Runtime::builder();
    let stepper =
        crew.options.step.then(|| Stepper::new(BufReader::new(io::stdin()), io::stderr(), has_colour()));
    let stopping = stepper.clone().map(|stepper| stepper as Arc<dyn Observer>);
    let (observer, ring) = crew.watch.observer(&crew.options, nth, stopping);
    if let Some(observer) = observer {
        builder = builder.observer(observer);
    }
    let runtime =
        builder.build().map_err(|error| format!("cannot start a runtime: {error} (hint: ulimit -n)"))?;
    let listen = ListenOptions { reuse_port: crew.options.workers > 1 };
    let listener = TcpListener::bind_with(&runtime.handle(), address, listen)
        .map_err(|error| format!("cannot listen on {address}: {error} ({})", bind_hint(&error)))?;
    Ok(Ready { runtime, listener, stats: Arc::new(Stats::new()), ring, stepper })
}

impl Ready {
    fn run(self, crew: &Crew, address: SocketAddr) {
        let worker = Worker { server: self.stats.clone(), runtime: self.runtime.handle().monitor() };
        crew.workers.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        let draining = Rc::new(Cell::new(false));
        let handle = self.runtime.handle();
        self.report_when_asked();
        let mut router = routes::router(Surroundings {
            handle: handle.clone(),
            draining: draining.clone(),
            workers: crew.workers.clone(),
            address,
            files: crew.options.files.clone(),
            log_requests: crew.options.verbosity > 0,
        });
        if let Some(ring) = self.ring.clone().filter(|_| crew.options.shows_inside()) {
            router =
                debug::routes(router, Inside { handle: handle.clone(), ring, watch: crew.watch.clone() });
        }
        if crew.options.zoo {
            router = zoo::routes(router, &handle, address);
        }
        let server = Server::new(router)
            .limits(crew.options.limits.clone())
            .grace(crew.options.grace)
            .stats(self.stats)
            .draining(draining);
        let stop = crew.stop.clone();
        let serving = server.run(self.listener, async move { stop.raised().await });
        match self.stepper {
            // Quit: the runtime is dropped where it stands, and the other workers are told.
            Some(stepper) => drop(stepper.run(&self.runtime, serving)),
            None => drop(self.runtime.block_on(serving)),
        }
    }

    /// SIGUSR1: prints every task, and who can wake it.
    fn report_when_asked(&self) {
        let (handle, ring) = (self.runtime.handle(), self.ring.clone());
        let mut signals = match Signals::report(&handle) {
            Ok(signals) => signals,
            Err(error) => return log::warn!("no report at SIGUSR1: {error} (hint: ulimit -n)"),
        };
        let reports = async move {
            while signals.recv().await.is_ok() {
                let records = ring.as_ref().map(|ring| ring.records()).unwrap_or_default();
                let _ = io::stderr().write_all(report::report(&handle, &records).as_bytes());
            }
        };
        self.runtime.handle().spawn(reports).detach();
    }
}

fn bind_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "hint: another program has the port; stop it, or choose another: --listen 127.0.0.1:8081"
        }
        io::ErrorKind::PermissionDenied => {
            "hint: ports below 1024 need privileges; choose another: --listen 127.0.0.1:8080"
        }
        io::ErrorKind::AddrNotAvailable => {
            "hint: this machine does not have that address; try --listen 127.0.0.1:8080"
        }
        _ => "hint: try --listen 127.0.0.1:8080",
    }
}

async fn stop_at_signal(mut signals: StopSignals, stop: Flag) {
    match signals.recv().await {
        Ok(name) => log::info!("{name}: stopping (again: at once)"),
        Err(error) => log::error!("cannot wait for signals: {error}; stopping"),
    }
    stop.raise();
}

/// The first lines of a run: where it listens, what to try, how to see inside.
fn announce(address: SocketAddr, options: &Options) {
    let inside = match (options.step, options.trace) {
        (true, _) => "step by step below; timeouts are an hour, so take your time",
        (_, true) => "every event follows below",
        _ => "run with --trace, or --step",
    };
    let lines = format!(
        "glassbox listens on http://{address}\ntry:         curl -i http://{address}/\nsee inside:  {inside}\n"
    );
    let mut out = io::stdout();
    // A closed stdout is not worth a panic.
    let _ = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
}

/// Colours are for terminals whose owner has not declined them (no-color.org).
fn has_colour() -> bool {
    let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    io::stderr().is_terminal() && !declined && !dumb
}

fn start_log(verbosity: i8) {
    let level = match verbosity {
        ..0 => log::LevelFilter::Error,
        0 => log::LevelFilter::Info,
        1 => log::LevelFilter::Debug,
        2.. => log::LevelFilter::Trace,
    };
    let logger = Quiet(simple_logger::SimpleLogger::new().with_level(level));
    // An error means that somebody else logs already; there is nobody else.
    if log::set_boxed_logger(Box::new(logger)).is_ok() {
        log::set_max_level(level);
    }
}

/// A log that nobody can read any more is no reason to stop serving. simple_logger panics when stderr is a closed pipe
/// or a full disk (it uses `eprintln!`); the panic ends here, and the line is lost.
struct Quiet<L>(L);

impl<L: log::Log> log::Log for Quiet<L> {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &log::Record<'_>) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.0.log(record)));
    }

    fn flush(&self) {
        self.0.flush();
    }
}

/// Shells often start programs with 1,024 descriptors allowed where the system would allow many more.
fn raise_descriptor_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        log::warn!("cannot raise the limit on open files: {error} (hint: ulimit -n)");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker that dies, in either way, tells why, and stops the others; one that ends well does neither.
    #[test]
    fn a_worker_that_dies_stops_all() {
        let stop = Flag::new();
        assert_eq!(all_or_none(&stop, 1, || Ok(())), Ok(()));
        assert!(!stop.is_raised());
        assert_eq!(
            all_or_none(&stop, 2, || panic!("on purpose")),
            Err("worker 2 panicked: on purpose".to_owned())
        );
        assert!(stop.is_raised());
        let stop = Flag::new();
        assert_eq!(all_or_none(&stop, 3, || Err("no".to_owned())), Err("no".to_owned()));
        assert!(stop.is_raised());
    }
}
