//! The files of the repository, as they lie on the disk.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// What is made by tools, and is not the project's.
const NOT_OURS: [&str; 4] = [".git", ".onsale", "node_modules", "target"];

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    // Cargo says it when it runs the tests; where they are run without it, it is where they were built.
    let tests = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    tests
        .parent()
        .expect("the crate lies in the workspace")
        .to_owned()
}

/// The text of a file; `path` is relative to the top.
pub(crate) fn read(path: &str) -> String {
    let text = fs::read_to_string(root().join(path));
    text.unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn exists(path: &str) -> bool {
    root().join(path).exists()
}

/// Every file below `folder`, relative to the top, in order; `""` is the top itself.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    let top = root();
    let relative = found
        .iter()
        .map(|path| path.strip_prefix(&top).expect("below the top"));
    let mut names: Vec<_> = relative
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    names
}

/// Every file below `folder` whose name ends with `ending`, with its text.
pub(crate) fn texts(folder: &str, ending: &str) -> Vec<(String, String)> {
    let names = files(folder)
        .into_iter()
        .filter(|name| name.ends_with(ending));
    let texts: Vec<_> = names.map(|name| (name.clone(), read(&name))).collect();
    assert!(
        !texts.is_empty(),
        "no {ending} below '{folder}': nothing would be tested"
    );
    texts
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let entry = entry.expect("a folder's entry can be read");
        let (path, kind) = (entry.path(), entry.file_type().expect("its kind is known"));
        if NOT_OURS.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if kind.is_dir() {
            collect(&path, found);
        } else if kind.is_file() {
            found.push(path);
        }
    }
}
