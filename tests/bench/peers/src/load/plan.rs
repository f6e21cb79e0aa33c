//! What the generator is asked to do: its command line.

use std::net::SocketAddr;
use std::time::Duration;

/// The kind of load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Work {
    /// As fast as the server answers.
    Flat,
    /// So many requests a second over all connections, each at its time whether or not the last one is answered.
    Rate(u32),
    /// A new connection for each request: as soon as one of so many has ended.
    Fresh,
    /// A new connection for each request, so many a second.
    FreshRate(u32),
    /// Connections that stay open and silent after one request.
    Hold,
}

/// A whole order.
#[derive(Clone, Debug)]
pub struct Plan {
    pub address: SocketAddr,
    pub path: String,
    /// More than zero: POST so many bytes.
    pub body: usize,
    pub connections: usize,
    /// Requests written at once, before the first answer is awaited.
    pub depth: usize,
    pub work: Work,
    pub warm_up: Duration,
    pub time: Duration,
    /// End after so many requests, without a warm-up: for tools that count instead of measuring time.
    pub count: Option<u64>,
    /// The process whose CPU time is read at both ends of the measured time.
    pub server: Option<u32>,
}

/// Nobody's machine shall be flooded by a slip of the finger.
const MOST_CONNECTIONS: usize = 15_000;
const MOST_SECONDS: f64 = 120.0;
const MOST_A_SECOND: u32 = 1_000_000;

impl Work {
    /// Whether each request has a connection of its own.
    #[must_use]
    pub fn is_fresh(self) -> bool {
        matches!(self, Work::Fresh | Work::FreshRate(_))
    }
}

impl Plan {
    /// The usual: one connection, flat out, two seconds.
    #[must_use]
    pub fn new(address: SocketAddr) -> Plan {
        Plan {
            address,
            path: "/".to_owned(),
            body: 0,
            connections: 1,
            depth: 1,
            work: Work::Flat,
            warm_up: Duration::from_millis(300),
            time: Duration::from_secs(2),
            count: None,
            server: None,
        }
    }

    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// A sentence about the first argument that is wrong.
    pub fn read() -> Result<Plan, String> {
        use lexopt::Arg::{Long, Short, Value};
        let mut plan = Plan::new(SocketAddr::from(([127, 0, 0, 1], 8080)));
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
            match argument {
                Long("fresh") => plan.work = Work::Fresh,
                Long("hold") => plan.work = Work::Hold,
                Long(name) => {
                    let name = name.to_owned();
                    let value = parser.value().map_err(|error| error.to_string())?;
                    plan.set(&name, &value.to_string_lossy())
                        .map_err(|error| format!("--{name}: {error}"))?;
                }
                Value(value) => {
                    plan.address = parse(&value.to_string_lossy())?;
                }
                Short(_) => return Err(argument.unexpected().to_string()),
            }
        }
        plan.checked()
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "path" => value.clone_into(&mut self.path),
            "body" => self.body = parse(value)?,
            "connections" => self.connections = parse(value)?,
            "depth" => self.depth = parse(value)?,
            "rate" => self.work = Work::Rate(parse(value)?),
            "fresh-rate" => self.work = Work::FreshRate(parse(value)?),
            "warm-up" => self.warm_up = seconds(value)?,
            "seconds" => self.time = seconds(value)?,
            "count" => self.count = Some(parse(value)?),
            "server" => self.server = Some(parse(value)?),
            _ => return Err("unknown flag".to_owned()),
        }
        Ok(())
    }

    fn checked(self) -> Result<Plan, String> {
        if !self.address.ip().is_loopback() {
            return Err("the address must be a loopback one".to_owned());
        }
        if self.connections == 0 || self.connections > MOST_CONNECTIONS {
            return Err(format!("--connections: from 1 to {MOST_CONNECTIONS}"));
        }
        if self.depth == 0 || self.depth > 64 {
            return Err("--depth: from 1 to 64".to_owned());
        }
        if let Work::Rate(rate) | Work::FreshRate(rate) = self.work
            && !(1..=MOST_A_SECOND).contains(&rate)
        {
            return Err(format!("--rate and --fresh-rate: from 1 to {MOST_A_SECOND}"));
        }
        Ok(self)
    }

    /// The same order as arguments, for the driver, which starts a process of its own for each run.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![self.address.to_string()];
        let mut add = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
        add("path", self.path.clone());
        add("body", self.body.to_string());
        add("connections", self.connections.to_string());
        add("depth", self.depth.to_string());
        add("warm-up", self.warm_up.as_secs_f64().to_string());
        add("seconds", self.time.as_secs_f64().to_string());
        if let Some(count) = self.count {
            add("count", count.to_string());
        }
        if let Some(server) = self.server {
            add("server", server.to_string());
        }
        match self.work {
            Work::Flat => {}
            Work::Rate(rate) => add("rate", rate.to_string()),
            Work::Fresh => arguments.push("--fresh".to_owned()),
            Work::FreshRate(rate) => add("fresh-rate", rate.to_string()),
            Work::Hold => arguments.push("--hold".to_owned()),
        }
        arguments
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = parse(text)?;
    if !(0.0..=MOST_SECONDS).contains(&seconds) {
        return Err(format!("from 0 to {MOST_SECONDS}"));
    }
    Ok(Duration::from_secs_f64(seconds))
}
