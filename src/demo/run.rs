//! Starting and stopping: one runtime per worker, one port, one shutdown for all.
//!
//! ```text
//!   main thread: worker 0 + signals --- Ctrl-C ---> Flag::raise()
//!   thread 1:    worker 1               each worker waits for the flag: close, drain, end
//! ```

use std::cell::Cell;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use glassbox::Runtime;
use glassbox::http::stats::Stats;
use glassbox::http::{Server, Stopped};
use glassbox::metrics::Worker;
use glassbox::net::{ListenOptions, TcpListener};
use glassbox::signal::StopSignals;
use glassbox::sync::Flag;

use super::options::Options;
use super::routes::{self, Surroundings};
use super::trace::Printer;

/// What a shell reports for a program that was ended by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Serves until a signal comes.
pub fn run(options: &Options) -> ExitCode {
    start_log(options.verbosity);
    raise_descriptor_limit();
    match serve(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("glassbox: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A runtime with its listener, before it runs.
struct Ready {
    runtime: Runtime,
    listener: TcpListener,
    stats: Arc<Stats>,
}

/// What the workers share.
struct Crew {
    options: Options,
    /// Everybody's numbers, for `/metrics`. Locked when a worker starts and when somebody asks.
    workers: Arc<Mutex<Vec<Worker>>>,
    stop: Flag,
}

fn serve(options: &Options) -> Result<(), String> {
    let crew = Crew { options: options.clone(), workers: Arc::default(), stop: Flag::new() };
    let first = prepare(&crew, options.listen)?;
    let address = first.listener.local_addr().map_err(|error| error.to_string())?;
    let signals =
        StopSignals::new(&first.runtime.handle(), INTERRUPTED).map_err(|error| error.to_string())?;
    first.runtime.handle().spawn(stop_at_signal(signals, crew.stop.clone())).detach();
    announce(address, options);
    let results: Vec<_> = thread::scope(|scope| {
        let others: Vec<_> = (1..options.workers).map(|_| scope.spawn(|| work(&crew, address))).collect();
        first.run(&crew, address);
        others
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a worker panicked".into())))
            .collect()
    });
    log::info!("stopped");
    results.into_iter().collect()
}

/// The life of every worker but the first. If it cannot start, nobody shall go on.
fn work(crew: &Crew, address: SocketAddr) -> Result<(), String> {
    let ready = prepare(crew, address).inspect_err(|_| crew.stop.raise())?;
    ready.run(crew, address);
    Ok(())
}

fn prepare(crew: &Crew, address: SocketAddr) -> Result<Ready, String> {
    let mut builder = Runtime::builder();
    if crew.options.trace {
        builder = builder.observer(Printer::new());
    }
    let runtime =
        builder.build().map_err(|error| format!("cannot start a runtime: {error} (hint: ulimit -n)"))?;
    let listen = ListenOptions { reuse_port: crew.options.workers > 1 };
    let listener = TcpListener::bind_with(&runtime.handle(), address, listen)
        .map_err(|error| format!("cannot listen on {address}: {error} ({})", bind_hint(&error)))?;
    Ok(Ready { runtime, listener, stats: Arc::new(Stats::new()) })
}

impl Ready {
    fn run(self, crew: &Crew, address: SocketAddr) -> Stopped {
        let worker = Worker { server: self.stats.clone(), runtime: self.runtime.handle().monitor() };
        crew.workers.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        let draining = Rc::new(Cell::new(false));
        let router = routes::router(Surroundings {
            handle: self.runtime.handle(),
            draining: draining.clone(),
            workers: crew.workers.clone(),
            address,
            files: crew.options.files.clone(),
            log_requests: crew.options.verbosity > 0,
        });
        let server = Server::new(router)
            .limits(crew.options.limits.clone())
            .grace(crew.options.grace)
            .stats(self.stats)
            .draining(draining);
        let stop = crew.stop.clone();
        self.runtime.block_on(server.run(self.listener, async move { stop.raised().await }))
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
    let inside = if options.trace { "every event follows below" } else { "run with --trace" };
    let lines = format!(
        "glassbox listens on http://{address}\ntry:         curl -i http://{address}/\nsee inside:  {inside}\n"
    );
    let mut out = io::stdout();
    // A closed stdout is not worth a panic.
    let _ = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
}

fn start_log(verbosity: i8) {
    let level = match verbosity {
        ..0 => log::LevelFilter::Error,
        0 => log::LevelFilter::Info,
        1 => log::LevelFilter::Debug,
        2.. => log::LevelFilter::Trace,
    };
    if let Err(error) = simple_logger::SimpleLogger::new().with_level(level).init() {
        eprintln!("glassbox: no log: {error}");
    }
}

/// Shells often start programs with 1,024 descriptors allowed where the system would allow many more.
fn raise_descriptor_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        log::warn!("cannot raise the limit on open files: {error} (hint: ulimit -n)");
    }
}
