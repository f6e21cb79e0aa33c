//! The driver's command line.

use std::path::PathBuf;
use std::time::Duration;

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server's own binary, built by the script.
    pub glassbox: PathBuf,
    /// The report. Nothing is written for a quick run or a part, unless asked for.
    pub out: Option<PathBuf>,
    /// A smoke test: one short round of everything, small numbers.
    pub quick: bool,
    /// Names of peers; empty means all.
    pub only: Vec<String>,
    /// Names of rows and probes; empty means all.
    pub rows: Vec<String>,
    pub rounds: usize,
    pub time: Duration,
    /// valgrind takes minutes.
    pub callgrind: bool,
}

/// Printed by `--help`.
pub const HELP: &str = "\
Measures glassbox beside its peers. Usage: tests/bench/yardstick.sh [FLAGS]

  --quick           one short round of everything: does it still work?
  --only NAME,...   these peers and hyper, which is 1.00
  --rows NAME,...   these rows (--list shows them)
  --rounds N        rounds, each of all rows [7]
  --seconds S       length of one measurement [2]
  --no-callgrind    leave out the count of instructions, which takes minutes
  --out FILE        where to write the report [tests/bench/RESULTS.md for a whole run, else nowhere]
  --list            print the names of peers and rows
";

impl Options {
    /// Reads the command line. Nothing if it only asks for help.
    ///
    /// # Errors
    ///
    /// A sentence about the first argument that is wrong.
    pub fn read() -> Result<Option<Options>, String> {
        use lexopt::Arg::{Long, Short};
        let mut options = Options::new();
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
            match argument {
                Short('h') | Long("help") => {
                    print!("{HELP}");
                    return Ok(None);
                }
                Long("list") => {
                    println!("peers: {}", super::contest::names().join(" "));
                    println!("rows:  {}", super::rows::names().join(" "));
                    return Ok(None);
                }
                Long("quick") => options.be_quick(),
                Long("no-callgrind") => options.callgrind = false,
                Long(name) => {
                    let name = name.to_owned();
                    let value = parser.value().map_err(|error| error.to_string())?;
                    options
                        .set(&name, &value.to_string_lossy())
                        .map_err(|error| format!("--{name}: {error}"))?;
                }
                other => return Err(other.unexpected().to_string()),
            }
        }
        options.checked().map(Some)
    }

    fn new() -> Options {
        Options {
            glassbox: PathBuf::from("target/release/glassbox"),
            out: None,
            quick: false,
            only: Vec::new(),
            rows: Vec::new(),
            rounds: 7,
            time: Duration::from_secs(2),
            callgrind: true,
        }
    }

    fn be_quick(&mut self) {
        self.quick = true;
        self.rounds = 1;
        self.time = Duration::from_millis(300);
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let list = || value.split(',').map(str::to_owned).collect();
        match name {
            "glassbox" => self.glassbox = PathBuf::from(value),
            "out" => self.out = Some(PathBuf::from(value)),
            "only" => self.only = list(),
            "rows" => self.rows = list(),
            "rounds" => self.rounds = value.parse().map_err(|error| format!("{error}"))?,
            "seconds" => {
                let seconds: f64 = value.parse().map_err(|error| format!("{error}"))?;
                self.time = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
            }
            _ => return Err("unknown flag (hint: --help)".to_owned()),
        }
        Ok(())
    }

    fn checked(mut self) -> Result<Options, String> {
        for (wanted, known) in [(&self.only, super::contest::names()), (&self.rows, super::rows::names())] {
            if let Some(unknown) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
                return Err(format!("{unknown:?} is none of: {}", known.join(" ")));
            }
        }
        if self.rounds == 0 || self.time < Duration::from_millis(100) || self.time > Duration::from_secs(60) {
            return Err("at least one round; from 0.1 to 60 seconds".to_owned());
        }
        let whole = !self.quick && self.only.is_empty() && self.rows.is_empty();
        if whole && self.out.is_none() {
            self.out = Some(PathBuf::from("tests/bench/RESULTS.md"));
        }
        Ok(self)
    }

    /// Whether a row or probe of this name is wanted.
    #[must_use]
    pub fn wants_row(&self, name: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|row| row == name)
    }

    /// Whether this peer is wanted. hyper always is.
    #[must_use]
    pub fn wants_peer(&self, name: &str) -> bool {
        self.only.is_empty() || name == super::contest::REFERENCE || self.only.iter().any(|peer| peer == name)
    }
}
