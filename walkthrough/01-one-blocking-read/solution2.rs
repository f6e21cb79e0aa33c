//! Solution of exercise 2 of chapter 1: when does each client get its answer?

/// One client: when it connects, and how long a thread that has turned to it waits until its request is whole.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    pub connects: u64,
    pub takes: u64,
}

/// When each client is answered, in the order in which they connected. `clients` is sorted by `connects`, and
/// `threads` is at least 1.
pub fn answered(clients: &[Client], threads: usize) -> Vec<u64> {
    // When each thread is free again. The oldest client takes the first that is.
    let mut free = vec![0; threads];
    let mut answered = Vec::new();
    for client in clients {
        let thread = free.iter_mut().min().expect("there is at least one thread");
        *thread = client.connects.max(*thread) + client.takes;
        answered.push(*thread);
    }
    answered
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
