//! The README tells the truth: its outputs are what the commands print, its map is the source tree.
//!
//! `cargo test --test readme -- --nocapture` prints what was compared.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

const README: &str = include_str!("../README.md");

/// The lines of the first fenced block that begins with `$ {command}`, without that line.
fn block(command: &str) -> Vec<String> {
    let start =
        README.find(&format!("\n$ {command}\n")).unwrap_or_else(|| panic!("no block for `{command}`"));
    let rest = &README[start + 1..];
    let end = rest.find("\n```").expect("the fence is closed");
    rest[..end].lines().skip(1).map(without_comment).collect()
}

/// In the README's traces, `<-` begins a remark.
fn without_comment(line: &str) -> String {
    line.split("  <- ").next().unwrap_or_default().trim_end().to_owned()
}

/// Numbers and dates differ from run to run: each becomes `#`.
fn masked(line: &str) -> String {
    let mut masked = String::new();
    for part in line.split_inclusive(|c: char| !c.is_ascii_digit() && c != '.') {
        let number = part.trim_end_matches(|c: char| !c.is_ascii_digit() && c != '.');
        masked += if number.is_empty() { "" } else { "#" };
        masked += &part[number.len()..];
    }
    if masked.starts_with("date: ") { "date: #".to_owned() } else { masked }
}

fn all_masked(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    lines.into_iter().map(|line| masked(&line)).collect()
}

/// The demo server, ended by id when the test ends.
struct Demo {
    child: Child,
    address: String,
    greeting: Vec<String>,
}

impl Demo {
    fn start(flags: &[&str]) -> Demo {
        let mut child = Command::new(env!("CARGO_BIN_EXE_glassbox"))
            .args(["--listen", "127.0.0.1:0"])
            .args(flags)
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the demo starts");
        let out = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let greeting: Vec<String> = out.lines().take(3).map(|line| line.expect("a line")).collect();
        let address = greeting[0].split("http://").nth(1).expect("an address").to_owned();
        Demo { child, address, greeting }
    }

    /// Sends one request, reads the answer, and closes as curl does.
    fn get(&self, path: &str) -> String {
        self.ask(path).1
    }

    /// Sends one request and reads the answer. The connection stays open for as long as it is kept.
    ///
    /// The server is stopped meanwhile, so that the request is there when it reads for the first time. Who comes first is
    /// a race otherwise, between two processes.
    fn ask(&self, path: &str) -> (TcpStream, String) {
        self.signal("STOP");
        while !self.is_stopped() {
            std::thread::yield_now();
        }
        let mut stream = TcpStream::connect(&self.address).expect("connects");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).expect("sends");
        self.signal("CONT");
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        // The answers asked for here are short and come in one piece with their head.
        while !String::from_utf8_lossy(&answer).contains("\r\n\r\n") {
            let read = stream.read(&mut buffer).expect("an answer");
            assert!(read > 0, "the server closed early");
            answer.extend_from_slice(&buffer[..read]);
        }
        (stream, String::from_utf8(answer).expect("text"))
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    fn is_stopped(&self) -> bool {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        text.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    /// What the server writes to stderr, line by line.
    fn stderr_lines(&mut self) -> impl Iterator<Item = String> + use<> {
        let stderr = BufReader::new(self.child.stderr.take().expect("stderr is taken once"));
        stderr.lines().map(|line| line.expect("text"))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `cargo run` prints where it listens, what to try, and how to see inside.
#[test]
fn the_first_lines_of_a_run() {
    let demo = Demo::start(&[]);
    let shown = block("cargo run");
    // The demo of the README listens on its default port; ours was chosen by the system.
    assert_eq!(all_masked(demo.greeting.clone()), all_masked(shown));
}

/// The answer to the README's curl.
#[test]
fn the_answer_to_curl() {
    let answer = Demo::start(&[]).get("/hello/you");
    let answer = answer.replace("\r\n", "\n");
    let shown = block("curl -i http://127.0.0.1:8080/hello/you");
    assert_eq!(all_masked(answer.lines().map(str::to_owned)), all_masked(shown));
}

/// The README's trace of one curl. How soon the client closes behind its answer is up to the machine: a few tries.
#[test]
fn the_trace_of_one_curl() {
    let shown = all_masked(block("cargo run -- --trace"));
    let mut last = Vec::new();
    for attempt in 1..=20 {
        let mut demo = Demo::start(&["--trace"]);
        let mut lines = demo.stderr_lines();
        up_to(&mut lines, "sleep in epoll"); // It listens, and has nothing else to do.
        demo.get("/hello/you");
        last = up_to(&mut lines, "task 4 completed");
        last.extend(lines.next());
        last = all_masked(last);
        if last.windows(shown.len()).any(|window| window == shown) {
            println!("found at attempt {attempt}");
            return;
        }
    }
    assert_part(&shown, &last);
}

/// The README's step session: the same keys, the same lines. A terminal shows the key that was pressed as the end of
/// the line, which a pipe does not.
#[test]
fn the_step_session() {
    let mut demo = Demo::start(&["--step"]);
    let mut keys = demo.child.stdin.take().expect("stdin is piped");
    let mut lines = demo.stderr_lines();
    keys.write_all(b"t 4\n").expect("it reads");
    up_to(&mut lines, "sleep in epoll");
    let mut client = TcpStream::connect(&demo.address).expect("connects");
    // The address as the README's curl says it, so that the request is as long.
    client.write_all(b"GET /hello/you HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n").expect("sends");
    let mut seen = up_to(&mut lines, "next:     task 4");
    keys.write_all(b"\n\n\nc\n").expect("it reads");
    seen.extend(up_to(&mut lines, "    request 1 sent"));
    let shown = all_masked(block("cargo run -- --step").into_iter().filter(|line| line != "step>"));
    let seen = all_masked(seen.into_iter().map(|line| line.replacen("step> ", "", 1)));
    assert_part(&shown, &seen);
}

/// The README's journey.
#[test]
fn the_journey_of_one_request() {
    let demo = Demo::start(&["--debug-routes"]);
    let shown = all_masked(block("curl 'http://127.0.0.1:8080/debug/trace?request=2'"));
    // How long the sleep before may last depends on who else is connected.
    let shown = &shown[1..];
    let mut seen = Vec::new();
    // The end of a connection would be news for the reactor, in the middle of the next one's journey.
    let mut open = Vec::new();
    // The questions are requests, too: every second number is a greeting's.
    for number in (1..=40).step_by(2) {
        open.push(demo.ask("/hello/you").0);
        let (stream, answer) = demo.ask(&format!("/debug/trace?request={number}"));
        open.push(stream);
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        seen = all_masked(body.lines().map(str::to_owned));
        if seen.windows(shown.len()).any(|window| window == shown) {
            return;
        }
    }
    assert_part(shown, &seen);
}

/// The README's finding.
#[test]
fn the_finding_of_a_lint() {
    let mut demo = Demo::start(&["--zoo"]);
    demo.get("/zoo/lost");
    let lines = demo.stderr_lines();
    let shown = all_masked(block("cargo run -- --zoo"));
    let seen = all_masked(lines.skip_while(|line| !line.starts_with("lint ")).take(shown.len()));
    assert_eq!(seen, shown);
}

/// The README's report.
#[test]
fn the_report_of_all_tasks() {
    let mut demo = Demo::start(&[]);
    let shown = all_masked(block("kill -USR1 $(pidof glassbox)"));
    // It listens for the signal when its tasks were polled once; then the listener's backlog is read.
    demo.get("/healthz");
    demo.signal("USR1");
    let lines: Vec<String> = demo.stderr_lines().take(shown.len()).collect();
    let seen = all_masked(lines.into_iter().filter(|line| !line.contains("INFO")));
    // The connection of the question above may not have been closed yet.
    assert_eq!(seen[1..5], shown[1..5]);
}

/// The lines up to the first that begins with `last`.
fn up_to(lines: &mut impl Iterator<Item = String>, last: &str) -> Vec<String> {
    let mut taken = Vec::new();
    for line in lines {
        let ends = line.starts_with(last);
        taken.push(line);
        if ends {
            break;
        }
    }
    taken
}

/// Whether `part` stands in `whole` without a gap.
#[track_caller]
fn assert_part(part: &[String], whole: &[String]) {
    let found = whole.windows(part.len()).any(|window| window == part);
    assert!(found, "the README's\n{}\n\nis not part of\n{}", part.join("\n"), whole.join("\n"));
}

/// The map names every file of the runtime and every other module, in reading order.
#[test]
fn the_map_is_the_source_tree() {
    let map: Vec<&str> =
        README.lines().filter_map(|line| line.strip_prefix("| `src/")?.split('`').next()).collect();
    let order = |file: &str| -> Vec<String> {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let names = text
            .lines()
            .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
        names.map(str::to_owned).collect()
    };
    let mut expected = vec!["lib.rs".to_owned()];
    for module in order("src/lib.rs") {
        if module == "runtime" {
            expected.extend(order("src/runtime/mod.rs").iter().map(|name| format!("runtime/{name}.rs")));
            expected.push("runtime/mod.rs".to_owned());
        } else if std::path::Path::new(&format!("src/{module}.rs")).exists() {
            expected.push(format!("{module}.rs"));
        } else {
            expected.push(format!("{module}/"));
        }
    }
    expected.push("main.rs".to_owned());
    assert_eq!(map, expected);
}

/// The README's list of chapters is the book's own: numbers, titles, minutes.
#[test]
fn the_chapters() {
    let rows = |text: &str| -> Vec<(String, String, String)> {
        let cells = text.lines().filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let title = cells.get(2)?.strip_prefix('[')?.split(']').next()?;
            Some((cells[1].to_owned(), title.to_owned(), (*cells.get(3)?).to_owned()))
        });
        cells.collect()
    };
    let own = rows(README);
    assert_eq!(own.len(), 16);
    assert_eq!(own, rows(include_str!("../walkthrough/README.md")));
}

/// The README's figures are those of the yardstick's own report.
#[test]
fn the_figures_beside_others() {
    let report = include_str!("bench/RESULTS.md");
    let section = README.split("\n## Beside others\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows: Vec<&str> =
        section.expect("the section is there").lines().filter(|line| line.starts_with('|')).collect();
    assert!(rows.len() >= 8, "{rows:?}");
    for row in rows {
        assert!(report.lines().any(|line| line == row), "not in the report: {row}");
    }
    // What is said of instructions and of memory, here and in CONCEPTS.md.
    let told = [README, include_str!("../CONCEPTS.md")].join("\n").replace('\n', " ");
    let cell = |heading: &str, peer: &str, column: usize| {
        let table = report.split(heading).nth(1).expect("the heading is there");
        let row = table.lines().find(|line| line.starts_with(&format!("| {peer} |"))).expect("a row");
        row.split('|').nth(column).expect("a cell").trim().to_owned()
    };
    let grouped = |number: &str| format!("{},{}", &number[..1], &number[1..]);
    let instructions = |peer| grouped(&cell("\n## Instructions and allocations per request\n", peer, 2));
    let sentence = format!(
        "{} instructions in user space for a keep-alive request, where hyper has {} and the loop {}.",
        instructions("glassbox"),
        instructions("hyper"),
        instructions("mio")
    );
    assert!(told.contains(&sentence), "{sentence}");
    the_parts(report, &instructions("mio"));
    let each = cell("\n## Memory per idle connection\n", "glassbox", 2);
    assert!(told.contains(&format!("{each} KiB per connection, over 10,000")), "{each} KiB");
    assert!(told.contains(&format!("1,000,000 x {each} KiB")), "{each} KiB");
    let nanos = cell("\n## More connections\n", "glassbox", 4);
    let nanos = nanos.split(['(', ' ']).nth(2).and_then(|word| word.parse::<f64>().ok()).expect("a number");
    let price = format!("{:.1} us", nanos / 1000.0);
    assert_eq!(told.matches(&format!("requests/s x {price} = ")).count(), 2, "{price}");
    let first_byte = |peer: &str, column| {
        let heading = "\n## Latency: the first byte for a newcomer\n";
        ["64", "8,000"].map(|open| cell(heading, &format!("{peer} | {open}"), column))
    };
    let [half_of_few, half_of_many] = first_byte("glassbox", 3);
    let best = ["glassbox", "hyper", "mio"].map(|peer| first_byte(peer, 5));
    assert!(report.replace('\n', " ").contains("answer: 2000 new ones a second"), "how many newcomers");
    for sentence in [
        "of 2,000 new connections a second, half have".to_owned(),
        format!("after {half_of_few} us among 64 silent ones and after {half_of_many} us among 8,000."),
        format!("p99 is {} us among 64 and {} us among 8,000", best[0][0], best[0][1]),
        format!("(hyper: {}; the bare loop: {})", best[1].join(" and "), best[2].join(" and ")),
    ] {
        assert!(told.contains(&sentence), "{sentence}");
    }
}

/// What CONCEPTS.md says of the instructions is what the report says.
fn the_parts(report: &str, of_the_loop: &str) {
    let concepts = include_str!("../CONCEPTS.md");
    let rows = |text: &'static str, heading: &str| -> Vec<&str> {
        let section = text.split(heading).nth(1).and_then(|rest| rest.split("\n## ").next());
        section.expect("the section is there").lines().filter(|line| line.starts_with('|')).collect()
    };
    let parts = rows(include_str!("bench/RESULTS.md"), "\n## Where the instructions go\n");
    assert!(parts.len() > 10, "{parts:?}");
    assert_eq!(parts, rows(concepts, "\n## The instructions of one request\n"));
    let runtime = ["tasks:", "sockets:", "timers "];
    let of_runtime = parts.iter().filter(|row| runtime.iter().any(|part| row[2..].starts_with(part)));
    let of_runtime: Vec<u32> =
        of_runtime.filter_map(|row| row.split('|').nth(2)?.trim().parse().ok()).collect();
    assert_eq!(of_runtime.len(), 3);
    let told = concepts.replace('\n', " ");
    let sentence = format!("takes {} of them", of_runtime.iter().sum::<u32>());
    assert!(told.contains(&sentence), "{sentence}");
    let sentence = format!("makes {of_the_loop} in all");
    assert!(told.contains(&sentence), "{sentence}");
    // "Nine tenths": what is not in user space, rounded.
    let numbers = report.split("\n## In numbers\n").nth(1).expect("the heading is there");
    let row = numbers.lines().find(|line| line.contains("wrk")).expect("a row");
    let own = row.split('|').nth(2).and_then(|cell| cell.split(['(', ' ']).nth(3)?.parse::<u32>().ok());
    assert!((5..15).contains(&own.expect("a share")), "{row}");
}

/// The minimum version that the README names is the package's.
#[test]
fn the_version_that_it_needs() {
    let manifest = include_str!("../Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"'));
    let version = version.expect("Cargo.toml has a rust-version");
    assert!(README.contains(&format!("A Rust toolchain ({version} or later)")));
}
