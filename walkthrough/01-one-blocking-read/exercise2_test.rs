//! What `answered` must say. Included by the exercise and by its solution.

use super::*;

fn clients(list: &[(u64, u64)]) -> Vec<Client> {
    list.iter().map(|&(connects, takes)| Client { connects, takes }).collect()
}

#[test]
fn one_thread_and_a_slow_client() {
    // The first takes 30 seconds for its request. The others take one each, and get their answers after it.
    assert_eq!(answered(&clients(&[(0, 30), (1, 1), (2, 1)]), 1), [30, 31, 32]);
}

#[test]
fn a_second_thread_helps_until_there_is_a_second_slow_client() {
    assert_eq!(answered(&clients(&[(0, 30), (1, 1), (2, 1)]), 2), [30, 2, 3]);
    assert_eq!(answered(&clients(&[(0, 30), (0, 30), (2, 1)]), 2), [30, 30, 31]);
}

#[test]
fn a_server_without_clients_waits_for_nobody() {
    assert_eq!(answered(&clients(&[(0, 1), (10, 1)]), 1), [1, 11]);
}
