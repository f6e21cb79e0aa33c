//! The end of a run: everybody finishes or is waited for, the server stops, and nothing may be left.

use glassbox::http::Stopped;

use super::script::Tell;
use super::world::{Kind, SECOND, World};

impl World<'_> {
    /// After the script: late events arrive, some clients finish, the others are waited for.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        self.raise(self.flag.clone());
        for number in 0..self.clients.len() {
            self.connect(number);
            if self.clients[number].finishes {
                self.send(number, usize::MAX, Tell::Now);
                self.clients[number].pipe.take_everything(self.stranger);
            }
            self.clients[number].pipe.deliver(self.stranger);
            if number % 2 == 0 && self.clients[number].finishes {
                self.clients[number].pipe.end(Tell::Now, self.stranger);
            }
        }
        self.settle()?;
        // Each connection ends by itself when its client does nothing; a long pipeline may sleep often before.
        for _ in 0..1000 {
            if self.clients.iter().all(|client| client.pipe.dropped_at().is_some()) {
                return Ok(());
            }
            self.advance(SECOND);
            self.settle()?;
        }
        Err("a connection lives for ever".to_owned())
    }

    pub(super) fn nothing_is_left(&mut self) -> Result<(), String> {
        if matches!(self.kind, Kind::Listening(_)) {
            self.stop();
            self.settle()?;
        }
        if let Kind::Listening(task) = &mut self.kind {
            match task.take().and_then(|mut task| task.take()) {
                Some(Ok(Stopped { cut })) => {
                    let how = if cut == 0 { "in good order" } else { "with a cut at the end of the grace" };
                    self.log.count(("stop", how));
                }
                other => return Err(format!("all connections have ended, the server has not: {other:?}")),
            }
        }
        let (tasks, timers) = (self.runtime.census(), self.runtime.timers());
        if let Some(task) = tasks.first() {
            return Err(format!("{} tasks are left, the first is {task}", tasks.len()));
        }
        if !timers.is_empty() || !self.runtime.sources().is_empty() {
            return Err(format!("timers are left: {timers:?}"));
        }
        let (open, busy) = (self.stats.open.get(), self.stats.in_flight.get());
        if open + busy > 0 {
            return Err(format!("{open} connections and {busy} requests are counted and do not exist"));
        }
        Ok(())
    }
}
