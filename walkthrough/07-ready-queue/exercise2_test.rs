//! What exercise 7.2 asks for.

use super::*;

#[test]
fn an_old_id_does_not_reach_the_next_owner() {
    let mut table = Table::new();
    let alice = table.insert("Alice");
    assert_eq!(table.remove(alice), Some("Alice"));
    let bob = table.insert("Bob");
    assert_eq!(table.get(alice), None);
    assert_eq!(table.get(bob), Some(&"Bob"));
}

#[test]
fn an_old_id_does_not_evict_the_next_owner() {
    let mut table = Table::new();
    let alice = table.insert("Alice");
    table.remove(alice);
    let bob = table.insert("Bob");
    assert_eq!(table.remove(alice), None);
    assert_eq!(table.remove(bob), Some("Bob"));
}

#[test]
fn slots_are_used_again_and_ids_are_not() {
    let mut table = Table::new();
    let mut ids: Vec<Id> = Vec::new();
    for number in 0..1_000 {
        let id = table.insert(number);
        assert!(!ids.contains(&id), "{id:?} has named somebody else before");
        ids.push(id);
        assert_eq!(table.remove(id), Some(number));
    }
    assert_eq!(table.slots(), 1, "one entry at a time needs one slot");
}
