//! Who may know whom, and what the sources never hold. Each rule is said in ARCHITECTURE.md.

use std::collections::BTreeSet;

use super::{
    manifest, repository,
    rust_code::{code_only, names_after, without_comments, words},
};

/// What a rule found; the rule holds if that is nothing.
fn assert_none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// The lines of the files below `folder` that have one of `words` as a word of their code.
fn lines_with(
    folder: &str,
    is_looked_at: impl Fn(&str) -> bool,
    forbidden: &[&str],
) -> Vec<String> {
    let sources = repository::texts(folder, ".rs")
        .into_iter()
        .filter(|(name, _)| is_looked_at(name));
    let mut found = Vec::new();
    for (name, source) in sources {
        for (line, number) in code_only(&source).lines().zip(1..) {
            if words(line).any(|word| forbidden.contains(&word)) {
                found.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }
    found
}

#[test]
fn the_services_do_not_know_each_other_and_the_foundations_know_nobody() {
    let depends_on = |member: &str| -> BTreeSet<_> {
        let all = manifest::dependencies(member);
        assert!(all.len() > 3, "{member}: too few dependencies were found");
        all.into_iter()
            .filter_map(|name| name.strip_prefix("onsale-").map(str::to_owned))
            .collect()
    };
    for foundation in ["proto", "shared"] {
        assert_eq!(
            depends_on(foundation),
            BTreeSet::new(),
            "{foundation} knows a crate of the project"
        );
    }
    for service in ["command-service", "query-service"] {
        let expected = ["proto", "shared"].map(str::to_owned);
        assert_eq!(
            depends_on(service),
            BTreeSet::from(expected),
            "{service} knows other crates than it may"
        );
    }
}

#[test]
fn the_rules_of_sale_are_pure() {
    let folder = "command-service/src/domain";
    let forbidden = [
        "tokio",
        "sqlx",
        "tonic",
        "tonic_types",
        "prost",
        "prost_types",
        "tracing",
        "futures",
        "async",
        "await",
        "SystemTime",
        "Instant",
        "LogClock",
        "IdSource",
        "EventLog",
        "rand",
        "env",
        "fs",
        "net",
        "thread",
        "println",
    ];
    assert_none(
        &format!("{folder} must not name {forbidden:?}"),
        &lines_with(folder, |_| true, &forbidden),
    );
    let beyond: Vec<_> = repository::texts(folder, ".rs")
        .iter()
        .flat_map(|(name, source)| {
            let code = code_only(source);
            let modules = names_after(&code, "crate::")
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>();
            modules
                .into_iter()
                .filter(|module| module != "domain")
                .map(move |module| format!("{name}: crate::{module}"))
        })
        .collect();
    assert_none("the domain must not know the rest of its crate", &beyond);
}

#[test]
fn only_the_log_has_sql_on_the_events() {
    let folders = ["proto", "shared", "command-service", "query-service"];
    let mut found = Vec::new();
    let mut inside = 0;
    for (name, source) in folders.iter().flat_map(|folder| {
        [".rs", ".sql"].into_iter().flat_map(move |ending| {
            let names = repository::files(folder)
                .into_iter()
                .filter(move |name| name.ends_with(ending));
            names.map(|name| (name.clone(), repository::read(&name)))
        })
    }) {
        let named = without_comments(&source).matches("onsale_log.").count();
        if name.starts_with("shared/src/log/postgres") || name.starts_with("shared/migrations/") {
            inside += named;
        } else if named > 0 {
            found.push(name);
        }
    }
    assert!(
        inside > 10,
        "the log's own SQL was not found: nothing would be tested"
    );
    assert_none(
        "only shared/src/log/postgres and shared/migrations may name tables of the log",
        &found,
    );
}

#[test]
fn only_the_edge_names_status_codes() {
    for folder in ["command-service/src", "query-service/src", "shared/src"] {
        let edge = format!("{folder}/grpc");
        let found = lines_with(
            folder,
            |name| !name.starts_with(&edge),
            &["Status", "Code", "RichStatus", "Reason"],
        );
        assert_none(
            "only `grpc` modules may name tonic's Status and Code",
            &found,
        );
    }
    assert_none(
        "shared must not know gRPC",
        &lines_with("shared/src", |_| true, &["tonic", "prost", "onsale_proto"]),
    );
}

#[test]
fn a_file_has_at_most_400_lines() {
    let sources = [".rs", ".proto", ".sql"]
        .into_iter()
        .flat_map(|ending| repository::texts("", ending));
    let long: Vec<_> = sources
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > 400)
        .map(|(name, lines)| format!("{name}: {lines}"))
        .collect();
    assert_none("a file of more than 400 lines is to be split", &long);
}

#[test]
fn every_crate_inherits_the_lints_and_the_edition() {
    for member in manifest::members() {
        let sections = manifest::sections(&format!("{member}/Cargo.toml"));
        assert_eq!(
            sections.get("lints"),
            Some(&vec!["workspace = true".to_owned()]),
            "{member} has lints of its own"
        );
        let package = &sections["package"];
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            let inherited = format!("{key}.workspace = true");
            assert!(
                package.contains(&inherited),
                "{member} does not inherit {key}"
            );
        }
    }
}

#[test]
fn modules_are_named_by_what_they_hold() {
    let vague = [
        "common", "helper", "helpers", "misc", "types", "util", "utils",
    ];
    let named: Vec<_> = repository::texts("", ".rs")
        .iter()
        .flat_map(|(name, source)| {
            let code = code_only(source);
            let modules = names_after(&code, "mod ")
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>();
            modules
                .into_iter()
                .filter(|module| vague.contains(&module.as_str()))
                .map(move |module| format!("{name}: {module}"))
        })
        .collect();
    assert_none("a module is named by what it holds", &named);
    let files: Vec<_> = repository::files("")
        .into_iter()
        .filter(|name| name.ends_with("/mod.rs"))
        .collect();
    assert_none("a module's file has the module's name", &files);
}

#[test]
fn nothing_is_left_undone_or_untested() {
    let mut found = Vec::new();
    for (name, source) in repository::texts("", ".rs") {
        let code = code_only(&source);
        for left in [
            "todo!",
            "unimplemented!",
            "dbg!",
            "#[ignore",
            "#[should_panic",
        ] {
            if code.contains(left) {
                found.push(format!("{name}: {left}"));
            }
        }
    }
    assert_none("nothing is left undone, and no test is left out", &found);
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<_> = repository::texts("", ".rs")
        .into_iter()
        // Tests that lie beside what they test are named by it.
        .filter(|(name, _)| !name.ends_with("/tests.rs") && !name.ends_with("_tests.rs"))
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(name, _)| name)
        .collect();
    assert_none("a file begins with `//!` and says what it is for", &silent);
}

/// Hosts that sources and documents may point to.
const HOSTS: [&str; 22] = [
    "127.0.0.1",
    // For documentation (RFC 5737): nobody is there.
    "192.0.2.1",
    "localhost",
    "host",
    "h",
    "www.rust-lang.org",
    "www.apache.org",
    "github.com",
    "google.aip.dev",
    "protobuf.dev",
    "www.postgresql.org",
    "www.w3.org",
    "grpc.io",
    "buf.build",
    "docs.rs",
    "crates.io",
    "hub.docker.com",
    "mermaid.js.org",
    "semver.org",
    "keepachangelog.com",
    "grpc.github.io",
    "docs.docker.com",
];

#[test]
fn no_file_tells_of_the_machine_that_it_was_written_on() {
    // In pieces, so that this file does not hold what it looks for.
    let folders = [
        ["/wo", "rk/"],
        ["/ro", "ot/"],
        ["/ho", "me/"],
        ["/Us", "ers/"],
    ]
    .map(|parts| parts.concat());
    let mut found = Vec::new();
    for name in repository::files("") {
        let Ok(text) = std::fs::read_to_string(repository::root().join(&name)) else {
            continue;
        };
        for folder in folders
            .iter()
            .filter(|folder| text.contains(folder.as_str()))
        {
            found.push(format!("{name}: {folder}"));
        }
        for scheme in [["http:", "//"], ["https:", "//"]].map(|parts| parts.concat()) {
            for (at, _) in text.match_indices(&scheme) {
                let rest = &text[at + scheme.len()..];
                let end = rest.find(|letter: char| {
                    !(letter.is_ascii_alphanumeric() || ".-".contains(letter))
                });
                let host = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
                // None is a placeholder, such as a shell's variable.
                if !host.is_empty() && !HOSTS.contains(&host) {
                    found.push(format!("{name}: {host}"));
                }
            }
        }
    }
    assert_none("no file names a folder or a server of one machine", &found);
}

#[test]
fn every_dependency_comes_from_the_public_index() {
    let lock = repository::read("Cargo.lock");
    let sources: BTreeSet<_> = lock
        .lines()
        .filter(|line| line.starts_with("source = "))
        .collect();
    let public = r#"source = "registry+https://github.com/rust-lang/crates.io-index""#;
    assert_eq!(sources, BTreeSet::from([public]));
}
