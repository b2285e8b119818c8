//! The parts of documents that are made of code, between markers. `ONSALE_BLESS=1` writes them anew.

use std::{env, fs};

use onsale_command_service::domain::{commands::SLICES, slice};
use onsale_proto::reason;

use super::{configuration, repository};

/// Compares the part `name` of a document with what the code says.
fn check(document: &str, name: &str, expected: &str) {
    let (begin, end) = (
        format!("<!-- begin {name} -->\n"),
        format!("<!-- end {name} -->"),
    );
    let text = repository::read(document);
    let parts = text
        .split_once(&begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(&end)?)));
    let (before, (found, after)) = parts.unwrap_or_else(|| panic!("{document} has no part {name}"));
    let expected = format!("\n{}\n\n", expected.trim());
    if found == expected {
        return;
    }
    if env::var_os("ONSALE_BLESS").is_some() {
        let text = format!("{before}{begin}{expected}{end}{after}");
        fs::write(repository::root().join(document), text).expect("the document can be written");
        return;
    }
    let found_lines: Vec<_> = found.lines().collect();
    let new = expected.lines().find(|line| !found_lines.contains(line));
    let gone = found_lines
        .iter()
        .find(|line| !expected.lines().any(|other| other == **line));
    panic!(
        "{document}, part {name}, is not what the code says (run this with ONSALE_BLESS=1):\n+ {}\n- {}",
        new.unwrap_or("(order)"),
        gone.unwrap_or(&"(order)")
    );
}

#[test]
fn errors_are_those_of_the_code() {
    check("docs/errors.md", "catalogue", &reason::as_markdown());
}

#[test]
fn commands_are_those_of_the_code() {
    let general: Vec<_> = slice::GENERAL_REFUSALS
        .iter()
        .map(|reason| format!("1. `{reason}`"))
        .collect();
    check("docs/commands.md", "general refusals", &general.join("\n"));
    check("docs/commands.md", "commands", &slice::as_markdown(SLICES));
}

#[test]
fn options_are_those_of_the_code() {
    for service in configuration::SERVICES {
        let part = format!("{} serve", service.name);
        check(
            "docs/operations.md",
            &part,
            &configuration::as_markdown(&service),
        );
    }
}
