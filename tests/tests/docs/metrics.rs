//! The metrics of the services: operators find all of them in the document, and nothing else.

use std::collections::BTreeSet;

use super::repository;

/// The names of metrics in a text.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words
        .filter(|word| word.starts_with("onsale_"))
        .filter(|word| word.chars().all(|letter| !letter.is_ascii_uppercase()))
        .collect()
}

#[test]
fn the_document_has_every_metric_of_the_code_and_no_other() {
    let code = ["command-service", "query-service"]
        .map(|service| repository::read(&format!("{service}/src/metrics.rs")));
    let named = code.iter().flat_map(|code| {
        let texts = code.split('"').skip(1).step_by(2);
        texts.flat_map(metrics_in)
    });
    let named: BTreeSet<_> = named.collect();
    let document = repository::read("docs/operations.md");
    let section = document
        .split_once("## What to watch")
        .map_or("", |(_, section)| section);
    let told: BTreeSet<_> = metrics_in(section)
        .into_iter()
        // Schemas of the database.
        .filter(|name| {
            ![
                "onsale_log",
                "onsale_query",
                "onsale_command",
                "onsale_trace",
            ]
            .contains(name)
        })
        .collect();
    assert_eq!(named, told);
    assert!(named.len() >= 10, "{named:?}");
}
