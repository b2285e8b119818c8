//! The options of the services: the documents name all of them, and nothing else.

use std::collections::BTreeSet;

use clap::{Args as _, Command};

use super::{markdown, repository, rust_code::without_comments};

/// A service, as far as its configuration goes.
#[derive(Clone, Copy)]
pub(crate) struct Service {
    /// Its binary and its folder.
    pub(crate) name: &'static str,
    options: fn() -> Command,
}

pub(crate) const SERVICES: [Service; 2] = [
    Service {
        name: "command-service",
        options: || onsale_command_service::Config::augment_args(Command::new("serve")),
    },
    Service {
        name: "query-service",
        options: || onsale_query_service::Config::augment_args(Command::new("serve")),
    },
];

/// What `serve` takes, as a table.
pub(crate) fn as_markdown(service: &Service) -> String {
    let mut table =
        String::from("| Variable | Option | Default | What it sets |\n|---|---|---|---|\n");
    let options = (service.options)();
    for option in options.get_arguments() {
        let variable = option
            .get_env()
            .map(|name| name.to_string_lossy().into_owned());
        let defaults: Vec<_> = option
            .get_default_values()
            .iter()
            .map(|value| value.to_string_lossy())
            .collect();
        let default = match defaults.join(",") {
            none if none.is_empty() && option.is_required_set() => "required".to_owned(),
            none if none.is_empty() => "none".to_owned(),
            default => format!("`{default}`"),
        };
        let help = option
            .get_long_help()
            .or(option.get_help())
            .map(ToString::to_string)
            .unwrap_or_default();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        table.push_str(&format!(
            "| `{}` | `--{}` | {default} | {} |\n",
            variable.unwrap_or_default(),
            option.get_long().unwrap_or_default(),
            help.trim_end_matches('.'),
        ));
    }
    table
}

/// Every variable that a service's binary reads, of all its subcommands.
pub(crate) fn variables(service: &str) -> BTreeSet<String> {
    let folder = format!("{service}/src");
    let sources =
        ["config.rs", "main.rs"].map(|name| repository::read(&format!("{folder}/{name}")));
    let named = sources
        .iter()
        .flat_map(|source| source.split("env = \"").skip(1));
    named
        .filter_map(|rest| rest.split_once('"').map(|(name, _)| name.to_owned()))
        .collect()
}

/// The subcommands of a service's binary.
pub(crate) fn subcommands(service: &str) -> Vec<String> {
    let main = without_comments(&repository::read(&format!("{service}/src/main.rs")));
    let inside =
        super::rust_code::block_after(&main, "enum Command").expect("main.rs has its subcommands");
    let mut depth = 0_usize;
    let mut names = Vec::new();
    for line in inside.lines().map(str::trim) {
        let variant = line
            .split(|letter: char| !letter.is_alphanumeric())
            .next()
            .unwrap_or_default();
        if depth == 0 && variant.starts_with(|letter: char| letter.is_ascii_uppercase()) {
            names.push(variant.to_ascii_lowercase());
        }
        depth += line.matches(['{', '(']).count();
        depth = depth.saturating_sub(line.matches(['}', ')']).count());
    }
    names
}

/// The names that look like variables of this project.
fn variables_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words
        .filter(|word| word.starts_with("ONSALE_") && *word != "ONSALE_")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_variable_in_a_document_exists() {
    let mut known = BTreeSet::from(["ONSALE_BLESS".to_owned()]);
    for service in SERVICES {
        known.extend(variables(service.name));
    }
    let other = ["scripts", "docker-compose.yml", "tests/src"];
    for place in other {
        for name in repository::files(place_of(place))
            .iter()
            .filter(|name| name.starts_with(place))
        {
            known.extend(variables_in(&repository::read(name)));
        }
    }
    for (document, text) in markdown::documents() {
        let unknown: Vec<_> = variables_in(&text).difference(&known).cloned().collect();
        assert!(
            unknown.is_empty(),
            "{document} names variables that nothing reads: {unknown:?}"
        );
    }
}

/// A file's folder, or a folder itself.
fn place_of(place: &str) -> &str {
    if repository::root().join(place).is_dir() {
        place
    } else {
        ""
    }
}

#[test]
fn every_variable_is_in_the_operations_document() {
    let text = repository::read("docs/operations.md");
    let documented = variables_in(&text);
    for service in SERVICES {
        let variables = variables(service.name);
        assert!(
            variables.len() > 10,
            "{}: too few variables were found",
            service.name
        );
        let missing: Vec<_> = variables
            .into_iter()
            .filter(|name| name != "DATABASE_URL" && !documented.contains(name))
            .collect();
        assert!(
            missing.is_empty(),
            "docs/operations.md does not name {missing:?} of {}",
            service.name
        );
    }
    for script in repository::files("scripts") {
        let read = variables_in(&repository::read(&script));
        let missing: Vec<_> = read.difference(&documented).collect();
        assert!(
            missing.is_empty(),
            "docs/operations.md does not name {missing:?} of {script}"
        );
    }
}

#[test]
fn every_subcommand_is_in_the_operations_document() {
    let text = repository::read("docs/operations.md");
    for service in SERVICES {
        let subcommands = subcommands(service.name);
        assert!(
            subcommands.contains(&"serve".to_owned()),
            "{}: no `serve`",
            service.name
        );
        for subcommand in subcommands {
            let command = format!("`{} {subcommand}`", service.name);
            assert!(
                text.contains(&command),
                "docs/operations.md does not say what {command} is for"
            );
        }
    }
}
