//! The command line: one table of flags, from which parsing, environment variables and `--help` are made.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use glassbox::http::Limits;

/// What our variables in the environment begin with.
const PREFIX: &str = "GLASSBOX_";

/// What the command line asks for.
pub enum Asked {
    /// Serve.
    Run(Box<Options>),
    /// Print this and end well.
    Print(String),
}

/// All choices.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Options {
    pub listen: SocketAddr,
    pub workers: usize,
    pub limits: Limits,
    pub grace: Duration,
    pub files: Option<PathBuf>,
    pub trace: bool,
    pub trace_file: Option<PathBuf>,
    pub step: bool,
    pub debug_routes: bool,
    pub zoo: bool,
    /// What is odd, but no reason not to start.
    pub warnings: Vec<String>,
    /// -1 with `-q`, up to 2 with `-v -v`.
    pub verbosity: i8,
}

/// A flag with a value. Its environment variable is `GLASSBOX_` and the name in capitals.
struct Flag {
    name: &'static str,
    value: &'static str,
    help: &'static str,
    set: fn(&mut Options, &str) -> Result<(), String>,
}

/// A flag without one. In the environment, `1` turns it on.
struct Switch {
    name: &'static str,
    help: &'static str,
    set: fn(&mut Options),
}

const FLAGS: [Flag; 21] = [
    flag("listen", "ADDR", "address and port; port 0 lets the system choose [127.0.0.1:8080]", |o, v| {
        o.listen = v
            .parse()
            .map_err(|_| "an address and a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned())?;
        Ok(())
    }),
    flag("workers", "N", "runtimes, one thread each, sharing the port [1]", |o, v| {
        set(&mut o.workers, count(v)?)
    }),
    flag("files", "DIR", "serve the files below DIR at /files/", |o, v| {
        set(&mut o.files, Some(PathBuf::from(v)))
    }),
    flag(
        "trace-file",
        "FILE",
        "write the latest events there at the end, for Perfetto or speedscope",
        |o, v| set(&mut o.trace_file, Some(PathBuf::from(v))),
    ),
    flag("max-connections", "N", "connections at once; more wait in the backlog [16384]", |o, v| {
        set(&mut o.limits.connections, count(v)?)
    }),
    flag("max-requests", "N", "requests on one connection [1000000]", |o, v| {
        set(&mut o.limits.requests_per_connection, count(v)?)
    }),
    flag("max-head", "BYTES", "request line and headers; beyond: 431 [32768]", |o, v| {
        set(&mut o.limits.head, count(v)?)
    }),
    flag("max-headers", "N", "headers, at most 100; beyond: 431 [100]", |o, v| {
        let headers: usize = count(v)?;
        if headers > 100 {
            Err("a number from 1 to 100".to_owned())
        } else {
            set(&mut o.limits.headers, headers)
        }
    }),
    flag("max-target", "BYTES", "request target; beyond: 414 [8192]", |o, v| {
        set(&mut o.limits.target, count(v)?)
    }),
    flag("max-body", "BYTES", "request body; beyond: 413 [1073741824]", |o, v| {
        set(&mut o.limits.body, count(v)?)
    }),
    flag(
        "max-collected",
        "BYTES",
        "body that a handler collects in memory; beyond: 413 [1048576]",
        |o, v| set(&mut o.limits.collected, count(v)?),
    ),
    flag("max-extensions", "BYTES", "chunk extensions beyond the data; beyond: 400 [4096]", |o, v| {
        set(&mut o.limits.chunk_extensions, count(v)?)
    }),
    flag("max-trailers", "BYTES", "trailers of a chunked body; beyond: 431 [8192]", |o, v| {
        set(&mut o.limits.trailers, count(v)?)
    }),
    flag("head-timeout", "S", "for a whole request head; beyond: 408 [10]", |o, v| {
        set(&mut o.limits.head_timeout, time(v)?)
    }),
    flag("body-timeout", "S", "without a byte of a body; beyond: 408 [30]", |o, v| {
        set(&mut o.limits.body_timeout, time(v)?)
    }),
    flag("write-timeout", "S", "without a byte taken by the client; beyond: cut [30]", |o, v| {
        set(&mut o.limits.write_timeout, time(v)?)
    }),
    flag("min-rate", "BYTES", "a second that a client sends or takes, while we wait [240]", |o, v| {
        set(&mut o.limits.min_rate, count(v)?)
    }),
    flag("idle-timeout", "S", "without a request; beyond: closed [60]", |o, v| {
        set(&mut o.limits.idle_timeout, time(v)?)
    }),
    flag("handler-timeout", "S", "for a handler's answer; beyond: 503 [120]", |o, v| {
        set(&mut o.limits.handler_timeout, time(v)?)
    }),
    flag("grace", "S", "for requests in flight after Ctrl-C [10]", |o, v| set(&mut o.grace, time(v)?)),
    flag("drain", "BYTES", "unread body read to keep a connection; beyond: closed [262144]", |o, v| {
        set(&mut o.limits.drain, count(v)?)
    }),
];

const SWITCHES: [Switch; 6] = [
    Switch { name: "trace", help: "print every event of the runtime to stderr", set: |o| o.trace = true },
    Switch { name: "step", help: "stop before each poll and ask; ? lists the keys", set: |o| o.step = true },
    Switch {
        name: "debug-routes",
        help: "serve /debug/trace, /debug/trace.json, /debug/tasks",
        set: |o| o.debug_routes = true,
    },
    Switch { name: "zoo", help: "serve /zoo: tasks that are wrong on purpose", set: |o| o.zoo = true },
    Switch {
        name: "verbose",
        help: "(-v) log each request; twice: everything",
        set: |o| o.verbosity = (o.verbosity + 1).min(2),
    },
    Switch { name: "quiet", help: "(-q) log errors alone", set: |o| o.verbosity = -1 },
];

const fn flag(
    name: &'static str,
    value: &'static str,
    help: &'static str,
    set: fn(&mut Options, &str) -> Result<(), String>,
) -> Flag {
    Flag { name, value, help, set }
}

#[allow(clippy::unnecessary_wraps, reason = "so that a flag is one expression")]
fn set<T>(place: &mut T, value: T) -> Result<(), String> {
    *place = value;
    Ok(())
}

/// A whole number from 1 up.
fn count<N: TryFrom<u64>>(text: &str) -> Result<N, String> {
    let number = text.parse::<u64>().ok().filter(|number| *number > 0 && !text.starts_with('+'));
    number.and_then(|number| N::try_from(number).ok()).ok_or_else(|| "a whole number from 1 up".to_owned())
}

/// Seconds, such as `10` or `0.5`.
fn time(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| "a number of seconds above 0, such as 10 or 0.5".to_owned())
}

impl Options {
    fn new() -> Options {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            workers: 1,
            limits: Limits::default(),
            grace: Duration::from_secs(10),
            files: None,
            trace: false,
            trace_file: None,
            step: false,
            debug_routes: false,
            zoo: false,
            warnings: Vec::new(),
            verbosity: 0,
        }
    }

    /// Reads the environment, then the command line, which goes first.
    pub fn read(
        environment: impl Iterator<Item = (OsString, OsString)>,
        arguments: impl Iterator<Item = OsString>,
    ) -> Result<Asked, String> {
        let mut options = Options::new();
        for (variable, value) in environment {
            let Some(variable) = variable.to_str().filter(|variable| variable.starts_with(PREFIX)) else {
                continue;
            };
            let name = variable[PREFIX.len()..].to_lowercase().replace('_', "-");
            let value = value.to_str().ok_or_else(|| format!("{variable} is not UTF-8 (hint: unset it)"))?;
            options.set_from_environment(variable, &name, value)?;
        }
        options.set_from_arguments(arguments)
    }

    /// Whether somebody may ask what happened: then the events are kept.
    pub fn is_watched(&self) -> bool {
        self.trace || self.step || self.debug_routes || self.zoo || self.trace_file.is_some()
    }

    /// Whether `/debug/` is served.
    pub fn shows_inside(&self) -> bool {
        self.trace || self.step || self.debug_routes
    }

    /// What does not go together.
    fn checked(mut self) -> Result<Options, String> {
        if self.step && self.workers > 1 {
            return Err("--step stops one runtime, not several (hint: leave out --workers)".to_owned());
        }
        if self.step {
            self.limits = patient(&self.limits);
        }
        Ok(self)
    }

    fn set_from_environment(&mut self, variable: &str, name: &str, value: &str) -> Result<(), String> {
        if let Some(switch) = SWITCHES.iter().find(|switch| switch.name == name) {
            match value {
                "1" | "true" => (switch.set)(self),
                "" | "0" | "false" => {}
                _ => return Err(bad_value(variable, value, "1 or 0")),
            }
            return Ok(());
        }
        // Not an error: Kubernetes sets GLASSBOX_PORT for a service of that name, and nobody has asked for it.
        let Some(flag) = FLAGS.iter().find(|flag| flag.name == name) else {
            self.warnings.push(format!("unknown variable {variable}{}", nearest(name)));
            return Ok(());
        };
        (flag.set)(self, value).map_err(|wanted| bad_value(variable, value, &wanted))
    }

    fn set_from_arguments(mut self, arguments: impl Iterator<Item = OsString>) -> Result<Asked, String> {
        use lexopt::Arg::{Long, Short, Value};
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next().map_err(|error| with_hint(&error))? {
            let name = match argument {
                Short('h') | Long("help") => return Ok(Asked::Print(help())),
                Short('V') | Long("version") => return Ok(Asked::Print(version())),
                Short('v') => "verbose".to_owned(),
                Short('q') => "quiet".to_owned(),
                Long(name) => name.to_owned(),
                Short(letter) => return Err(format!("unknown flag -{letter} (hint: glassbox --help)")),
                Value(value) => {
                    return Err(format!(
                        "unexpected {} (hint: flags begin with --; glassbox --help)",
                        value.display()
                    ));
                }
            };
            if let Some(switch) = SWITCHES.iter().find(|switch| switch.name == name) {
                (switch.set)(&mut self);
                continue;
            }
            let flag = FLAGS.iter().find(|flag| flag.name == name);
            let flag = flag.ok_or_else(|| format!("unknown flag --{name}{}", nearest(&name)))?;
            let value = parser.value().map_err(|error| with_hint(&error))?;
            let value =
                value.to_str().ok_or_else(|| format!("--{name} wants UTF-8 (hint: glassbox --help)"))?;
            (flag.set)(&mut self, value).map_err(|wanted| bad_value(&format!("--{name}"), value, &wanted))?;
        }
        Ok(Asked::Run(Box::new(self.checked()?)))
    }
}

/// Whoever reads an explanation must not be cut off by a timeout: while the runtime stands still the clock goes on.
fn patient(limits: &Limits) -> Limits {
    const HOUR: Duration = Duration::from_secs(3600);
    Limits {
        head_timeout: limits.head_timeout.max(HOUR),
        body_timeout: limits.body_timeout.max(HOUR),
        write_timeout: limits.write_timeout.max(HOUR),
        idle_timeout: limits.idle_timeout.max(HOUR),
        handler_timeout: limits.handler_timeout.max(HOUR),
        min_rate: 0,
        ..limits.clone()
    }
}

fn with_hint(error: &lexopt::Error) -> String {
    format!("{error} (hint: glassbox --help)")
}

fn bad_value(what: &str, value: &str, wanted: &str) -> String {
    format!("{what} cannot be {value:?} (hint: give {wanted})")
}

/// The flag that was probably meant.
fn nearest(name: &str) -> String {
    let names = FLAGS.iter().map(|flag| flag.name).chain(SWITCHES.iter().map(|switch| switch.name));
    let best = names.map(|known| (distance(name, known), known)).min();
    match best {
        Some((distance, known)) if distance <= 1 + name.len() / 3 => {
            format!(" (hint: did you mean --{known}?)")
        }
        _ => " (hint: glassbox --help lists all)".to_owned(),
    }
}

/// How many letters must be inserted, removed or changed to make `a` into `b` (Levenshtein's distance).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.chars().enumerate() {
            let change = diagonal + usize::from(letter != other);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

fn version() -> String {
    format!("glassbox {}\n", env!("CARGO_PKG_VERSION"))
}

fn help() -> String {
    let flags = FLAGS.iter().map(|flag| (format!("--{} {}", flag.name, flag.value), flag.help));
    let switches = SWITCHES.iter().map(|switch| (format!("--{}", switch.name), switch.help));
    let own = [("--help, --version".to_owned(), "print this, or the version, and end")];
    let lines: Vec<_> =
        flags.chain(switches).chain(own).map(|(name, help)| format!("  {name:<23} {help}")).collect();
    let lines = lines.join("\n");
    format!(
        "An HTTP server that you can see through.\n\nUsage: glassbox [FLAGS]\n\n{lines}\n\n\
         Each flag can also be set in the environment: GLASSBOX_LISTEN, GLASSBOX_MAX_BODY, GLASSBOX_TRACE=1.\n"
    )
}
