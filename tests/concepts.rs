//! CONCEPTS.md tells the truth: every noun is defined in the file that is named as its home.

use std::fs;

const CONCEPTS: &str = include_str!("../CONCEPTS.md");

/// The sections that are tables of nouns.
const SECTIONS: [&str; 3] = ["The runtime", "The server", "The instruments"];

/// The words in backticks of one cell.
fn ticked(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// (nouns, homes) of each row of the tables of nouns.
fn rows() -> Vec<(Vec<&'static str>, Vec<&'static str>)> {
    let cells = |line: &'static str| -> Vec<&'static str> { line.split('|').map(str::trim).collect() };
    let tables =
        CONCEPTS.split("\n## ").filter(|section| SECTIONS.iter().any(|known| section.starts_with(known)));
    let rows = tables.flat_map(str::lines).filter(|line| line.starts_with("| `")).map(cells);
    // | noun | purpose | rule | home | ...: the line begins and ends with a bar, so cell 0 is empty.
    rows.map(|row| (ticked(row[1]).collect(), ticked(row[4]).collect())).collect()
}

/// Whether `text` defines `noun` as a type, a trait or a function.
fn defines(text: &str, noun: &str) -> bool {
    let kinds = ["struct", "enum", "trait", "fn", "type"];
    kinds.iter().any(|kind| {
        text.match_indices(&format!("{kind} {noun}")).any(|(at, found)| {
            let behind = text[at + found.len()..].chars().next().unwrap_or(' ');
            !behind.is_alphanumeric() && behind != '_'
        })
    })
}

/// Each noun has a definition in one of its homes, and each home exists.
#[test]
fn every_noun_lives_where_it_is_said_to() {
    let rows = rows();
    assert!(rows.len() > 40, "the tables were found");
    for (nouns, homes) in rows {
        let texts: Vec<String> = homes
            .iter()
            .map(|home| fs::read_to_string(home).unwrap_or_else(|error| panic!("{home}: {error}")))
            .collect();
        for noun in nouns {
            assert!(texts.iter().any(|text| defines(text, noun)), "{noun} is not defined in {homes:?}");
        }
    }
}

/// The nouns of a table stand in reading order: the order of the `mod` lines.
#[test]
fn the_nouns_stand_in_reading_order() {
    let order = reading_order();
    let place = |home: &str| {
        order.iter().position(|file| file == home).unwrap_or_else(|| panic!("{home} is in no mod line"))
    };
    for section in SECTIONS {
        let text = CONCEPTS
            .split(&format!("## {section}\n"))
            .nth(1)
            .expect("the section is there")
            .split("\n## ")
            .next()
            .expect("it ends");
        let homes = text.lines().filter(|line| line.starts_with("| `")).map(|line| {
            let cell = line.split('|').nth(4).expect("a home");
            ticked(cell).next().expect("a file").to_owned()
        });
        let places: Vec<usize> = homes.map(|home| place(&home)).collect();
        assert!(places.is_sorted(), "{section}: {places:?}");
    }
}

/// All source files of the library, a folder's `mod.rs` behind its children, as a reader meets them.
fn reading_order() -> Vec<String> {
    let mut files = Vec::new();
    visit("src", "src/lib.rs", &mut files);
    files
}

fn visit(folder: &str, file: &str, files: &mut Vec<String>) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let names = text
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    for name in names {
        let inner = format!("{folder}/{name}/mod.rs");
        if fs::exists(&inner).expect("readable") {
            visit(&format!("{folder}/{name}"), &inner, files);
        } else {
            files.push(format!("{folder}/{name}.rs"));
        }
    }
    files.push(file.to_owned());
}
