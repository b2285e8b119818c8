//! What documents point to is there: files, make targets, methods of the contract.

use std::collections::BTreeSet;

use onsale_proto::FILE_DESCRIPTOR_SET;
use prost::Message as _;

use super::{markdown, repository};

#[test]
fn every_relative_link_leads_somewhere() {
    let mut count = 0;
    for (document, text) in markdown::documents() {
        let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        let prose = markdown::prose(&text);
        for link in markdown::links(&prose)
            .into_iter()
            .filter(|link| !link.contains("://"))
        {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                document.clone()
            } else {
                resolve(folder, path)
            };
            assert!(
                repository::exists(&target),
                "{document} links to {link}, which is not there"
            );
            if !heading.is_empty() {
                let anchors = anchors(&repository::read(&target));
                assert!(
                    anchors.contains(heading),
                    "{document} links to {link}; there is no such heading"
                );
            }
            count += 1;
        }
    }
    assert!(count > 10, "too few links were found: {count}");
}

/// `path`, as it is meant in `folder`, relative to the top.
fn resolve(folder: &str, path: &str) -> String {
    let mut parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchors of a document's headings, as they are usually made.
fn anchors(text: &str) -> BTreeSet<String> {
    let prose = markdown::prose(text);
    let headings = prose
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| -> String {
        let kept = heading.to_lowercase();
        let kept = kept
            .chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter })
            .collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_path_in_a_document_exists() {
    let top: BTreeSet<_> = std::fs::read_dir(repository::root())
        .expect("the top can be read")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let mut count = 0;
    for (document, text) in markdown::documents() {
        let prose = markdown::prose(&text);
        for span in markdown::code_spans(&prose) {
            let is_path = span
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "._-/".contains(letter));
            let first = span.split('/').next().unwrap_or_default();
            if !is_path
                || !span.contains('/')
                || !top.contains(first)
                || first == ".onsale"
                || first == "target"
            {
                continue;
            }
            assert!(
                repository::exists(span),
                "{document} names {span}, which is not there"
            );
            count += 1;
        }
    }
    assert!(count > 20, "too few paths were found: {count}");
}

#[test]
fn every_make_target_in_a_document_exists() {
    let makefile = repository::read("Makefile");
    let targets: BTreeSet<_> = makefile
        .lines()
        .filter_map(|line| line.split_once(": ##").or_else(|| line.split_once(":  ##")))
        .map(|(name, _)| name)
        .collect();
    assert!(
        targets.contains("up") && targets.contains("test"),
        "the targets were not found: {targets:?}"
    );
    for (document, text) in markdown::documents() {
        let prose = markdown::prose(&text);
        let blocks = markdown::code_blocks(&text, "sh");
        let commands = blocks
            .iter()
            .flat_map(|block| block.lines())
            .chain(markdown::code_spans(&prose));
        for command in commands {
            let mut words = command
                .split_whitespace()
                .skip_while(|word| word.contains('='));
            if words.next() == Some("make") {
                let target = words.next().unwrap_or("help");
                assert!(
                    targets.contains(target),
                    "{document} says `{command}`; there is no target {target}"
                );
            }
        }
    }
}

#[test]
fn every_method_in_a_document_is_in_the_contract() {
    let set = prost_types::FileDescriptorSet::decode(FILE_DESCRIPTOR_SET)
        .expect("the contract can be read");
    let mut methods = BTreeSet::new();
    for file in &set.file {
        for service in &file.service {
            let of_service = service
                .method
                .iter()
                .map(|method| format!("{}.{}/{}", file.package(), service.name(), method.name()));
            methods.extend(of_service);
        }
    }
    let readme = repository::read("README.md");
    let called: BTreeSet<_> = readme
        .split(|letter: char| !(letter.is_ascii_alphanumeric() || "./_".contains(letter)))
        .filter_map(|word| {
            word.find("onsale.v1.")
                .map(|at| word[at..].trim_end_matches('.').to_owned())
        })
        .filter(|word| word.contains('/'))
        .collect();
    assert!(
        called.len() >= 5,
        "the README walks through five methods, not {called:?}"
    );
    let unknown: Vec<_> = called.difference(&methods).collect();
    assert!(
        unknown.is_empty(),
        "README.md calls methods that do not exist: {unknown:?}"
    );
}
