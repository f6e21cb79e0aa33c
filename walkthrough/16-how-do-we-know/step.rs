//! Step mode in small: the same four tasks, and the program stops before each poll and at each event.

use std::io::{self, BufRead, BufReader, Cursor, Read, Write};

use glassbox::Runtime;
use glassbox::inspect::Stepper;

use super::args;

/// With `--demo` these keys are pressed: an event, an event, on to the next poll, on to task 3, quit.
const KEYS: &str = "\n\np\nt 3\nq\n";

pub fn run() -> io::Result<()> {
    let demo = args::switch("--demo");
    let stepper = if demo {
        Stepper::new(Typed(Cursor::new(KEYS)), io::stdout(), false)
    } else {
        Stepper::new(BufReader::new(io::stdin()), io::stdout(), false)
    };
    let mut builder = Runtime::builder().observer(stepper.clone());
    if demo {
        builder = builder.frozen_clock();
    }
    let runtime = builder.build()?;
    let handle = runtime.handle();
    super::spawn_all(&handle);
    let ended = stepper.run(&runtime, async move { handle.sleep(std::time::Duration::from_secs(3)).await });
    println!("{}", if ended.is_some() { "three seconds are over" } else { "(quit)" });
    Ok(())
}

/// Shows each key when it is read, as a terminal does.
struct Typed(Cursor<&'static str>);

impl Read for Typed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl BufRead for Typed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.0.fill_buf()?;
        // One line at a time, or one would see all of them at the first question.
        let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
        io::stdout().write_all(&bytes[..end])?;
        Ok(&bytes[..end])
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}
