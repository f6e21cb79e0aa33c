//! The walkthrough tells the truth: its quotes, paths, links, commands and outputs are checked here.
//!
//! `REGENERATE=1 cargo test --test walkthrough` writes the outputs anew.

use std::path::Path;

/// Every chapter has its folder's form: two digits and a name.
#[test]
fn the_folders_are_numbered() {
    for entry in std::fs::read_dir("walkthrough").expect("there is a walkthrough") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.join("README.md").exists() && path != Path::new("walkthrough/museum") {
            assert!(name.as_bytes()[..2].iter().all(u8::is_ascii_digit), "{name}");
        }
    }
}
