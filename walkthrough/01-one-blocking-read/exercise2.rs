//! Exercise 2 of chapter 1: when does each client get its answer?
//!
//! Clients come to a server of `threads` threads. Each thread serves one client at a time, from its first byte to its
//! answer, and waits for it as long as it takes. Whoever finds no thread free waits in the queue, oldest first.
//! Return the time of each answer.

/// One client: when it connects, and how long a thread that has turned to it waits until its request is whole.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    pub connects: u64,
    pub takes: u64,
}

/// When each client is answered, in the order in which they connected. `clients` is sorted by `connects`, and
/// `threads` is at least 1.
pub fn answered(clients: &[Client], threads: usize) -> Vec<u64> {
    // The mistake to repair: it believes that every client has the server for itself.
    let _ = threads;
    clients.iter().map(|client| client.connects + client.takes).collect()
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
