//! Every test that docs/requirements.md names exists, under the name that `cargo test` shows.

use std::collections::BTreeSet;

use super::{
    manifest, markdown, repository,
    rust_code::{code_only, words},
};

const DOCUMENT: &str = "docs/requirements.md";

/// Targets that are one file in a crate's own folder of tests.
const SINGLE_FILES: [(&str, &str); 1] = [("golden", "shared/tests/golden/main.rs")];

/// A test as the document names it: `target::module::test_name`.
struct Named<'a> {
    target: &'a str,
    modules: Vec<&'a str>,
    test: &'a str,
}

impl<'a> Named<'a> {
    /// A path is a test's name if it begins with a target.
    fn parse(path: &'a str, targets: &BTreeSet<String>) -> Option<Self> {
        let mut parts: Vec<_> = path.split("::").collect();
        let test = parts.pop()?;
        if parts.is_empty() || !targets.contains(parts[0]) {
            return None;
        }
        Some(Self {
            target: parts[0],
            modules: parts[1..].to_vec(),
            test,
        })
    }

    /// The files in which it may be: from the file of its innermost module outwards.
    fn files(&self) -> Vec<String> {
        if let Some((_, file)) = SINGLE_FILES.iter().find(|(name, _)| *name == self.target) {
            return vec![(*file).to_owned()];
        }
        let root = folder_of(self.target);
        let mut files = Vec::new();
        for depth in (0..=self.modules.len()).rev() {
            let path = self.modules[..depth].join("/");
            if path.is_empty() {
                files.extend(["main.rs", "lib.rs"].map(|name| format!("{root}/{name}")));
            } else {
                files.push(format!("{root}/{path}.rs"));
                // A module of tests may lie beside the file that it tests.
                if let Some((parent, last)) = path.rsplit_once('/') {
                    files.push(format!("{root}/{parent}_{last}.rs"));
                }
            }
        }
        files.retain(|file| repository::exists(file));
        files
    }

    fn exists(&self) -> bool {
        self.files()
            .iter()
            .any(|file| is_test_of(&code_only(&repository::read(file)), self.test))
    }
}

/// The targets of tests: those of the crate `tests`, and each crate's own, by its name in Rust.
fn targets() -> BTreeSet<String> {
    let mut targets: BTreeSet<_> = manifest::members()
        .iter()
        .filter(|member| *member != "tests")
        .map(|member| format!("onsale_{}", member.replace('-', "_")))
        .collect();
    for file in repository::files("tests/tests") {
        if let Some(name) = file
            .strip_prefix("tests/tests/")
            .and_then(|path| path.strip_suffix("/main.rs"))
        {
            targets.insert(name.to_owned());
        }
    }
    targets.extend(SINGLE_FILES.map(|(name, _)| name.to_owned()));
    targets
}

fn folder_of(target: &str) -> String {
    match target.strip_prefix("onsale_") {
        Some(member) => format!("{}/src", member.replace('_', "-")),
        None => format!("tests/tests/{target}"),
    }
}

/// A function under a test's attribute or in `proptest!`, or a name in the list of a macro that makes tests of functions.
fn is_test_of(code: &str, test: &str) -> bool {
    let lines: Vec<_> = code.lines().collect();
    let declares = |line: &str| {
        words(line)
            .zip(words(line).skip(1))
            .any(|(first, second)| first == "fn" && second == test)
    };
    let is_marked = lines.iter().enumerate().any(|(number, line)| {
        let before = lines[..number]
            .iter()
            .rev()
            .take_while(|line| line.trim_start().starts_with('#'));
        declares(line) && before.into_iter().any(|line| line.contains("test"))
    });
    let is_listed = code.contains("for_each_engine!")
        && lines.iter().any(|line| line.trim() == format!("{test},"));
    is_marked || is_listed
}

/// The requirements: their numbers, and the text of each.
fn requirements(text: &str) -> Vec<(u32, String)> {
    let mut found: Vec<(u32, String)> = Vec::new();
    for line in text.lines() {
        let number = line
            .strip_prefix("- **R")
            .and_then(|rest| rest.split_once("**"));
        if let Some((number, rest)) = number {
            let number = number
                .parse()
                .unwrap_or_else(|_| panic!("{DOCUMENT}: R{number} is not a number"));
            found.push((number, rest.to_owned()));
        } else if let Some((_, text)) = found.last_mut().filter(|_| line.starts_with("  ")) {
            text.push_str(line);
            text.push('\n');
        }
    }
    found
}

#[test]
fn every_named_test_exists() {
    let (text, targets) = (repository::read(DOCUMENT), targets());
    let spans = markdown::code_spans(&text)
        .into_iter()
        .filter(|span| span.contains("::"));
    let mut missing = Vec::new();
    let mut count = 0;
    for span in spans {
        count += 1;
        match Named::parse(span, &targets) {
            Some(named) if named.exists() => {}
            Some(_) | None => missing.push(span),
        }
    }
    assert!(count > 50, "too few tests are named: {count}");
    assert!(
        missing.is_empty(),
        "{DOCUMENT} names tests that do not exist: {missing:#?}"
    );
}

#[test]
fn requirements_are_numbered_densely_and_each_names_a_test() {
    let text = repository::read(DOCUMENT);
    let (shown, not_shown) = text
        .split_once("## Not shown by a test yet")
        .expect("the document says what is not shown");
    let requirements_shown = requirements(shown);
    for (number, text) in &requirements_shown {
        assert!(text.contains("::"), "{DOCUMENT}: R{number} names no test");
    }
    let numbers = requirements_shown
        .iter()
        .chain(&requirements(not_shown))
        .map(|(number, _)| *number)
        .collect::<BTreeSet<_>>();
    let last = u32::try_from(numbers.len()).expect("a small number");
    assert_eq!(
        numbers,
        (1..=last).collect(),
        "{DOCUMENT}: numbers are dense, and each is given once"
    );
}

#[test]
fn a_function_is_a_test_only_where_it_is_marked() {
    let code = "#[test]\nfn a() {}\n#[tokio::test]\nasync fn b() {}\n#[derive(X)]\nfn c() {}\nfn a_b() {}\n";
    assert!(is_test_of(code, "a") && is_test_of(code, "b"));
    assert!(!is_test_of(code, "c") && !is_test_of(code, "a_b"));
    assert!(is_test_of("for_each_engine! {\n    d,\n}", "d"));
    // Its name elsewhere does not make it one.
    assert!(!is_test_of("#[test]\nfn other() {\n    d(\n}", "d"));
}
