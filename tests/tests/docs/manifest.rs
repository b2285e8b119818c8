//! What the manifests of the workspace say, read line by line: they are written one key a line.

use std::collections::BTreeMap;

use super::repository;

/// The crates of the workspace.
pub(crate) fn members() -> Vec<String> {
    let manifest = repository::read("Cargo.toml");
    let line = manifest
        .lines()
        .find_map(|line| line.strip_prefix("members = "));
    let list = line
        .expect("the workspace lists its members")
        .trim_matches(['[', ']']);
    list.split(',')
        .map(|name| name.trim().trim_matches('"').to_owned())
        .collect()
}

/// The sections of a manifest, each with its lines.
pub(crate) fn sections(path: &str) -> BTreeMap<String, Vec<String>> {
    let mut sections: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = String::new();
    for line in repository::read(path).lines().map(str::trim) {
        if let Some(header) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            header.trim_matches(['[', ']']).clone_into(&mut name);
        } else if !line.is_empty() && !line.starts_with('#') {
            sections
                .entry(name.clone())
                .or_default()
                .push(line.to_owned());
        }
    }
    sections
}

/// The crates that a crate depends on, for whatever purpose.
pub(crate) fn dependencies(member: &str) -> Vec<String> {
    let sections = sections(&format!("{member}/Cargo.toml"));
    let lines = sections
        .iter()
        .filter(|(name, _)| name.ends_with("dependencies"))
        .flat_map(|(_, lines)| lines);
    let names = lines.filter_map(|line| line.split(['.', ' ', '=']).next());
    names.map(str::to_owned).collect()
}
