//! The Dockerfile, without an engine to build it: its stages, what they copy, as whom they run.

use super::{manifest, repository};

/// A stage, with its instructions in order.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    pub(crate) name: String,
    /// The image, or the stage, that it begins with.
    pub(crate) from: String,
    /// The name of an instruction and what follows it.
    pub(crate) instructions: Vec<(String, String)>,
}

impl Stage {
    /// What follows each instruction of this name, of this stage alone.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self
            .instructions
            .iter()
            .filter(move |(instruction, _)| instruction == name);
        named.map(|(_, rest)| rest.as_str())
    }

    /// The variables that it sets.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let pairs = self.all("ENV").filter_map(|rest| rest.split_once('='));
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

/// The stages of the Dockerfile.
pub(crate) fn stages() -> Vec<Stage> {
    let text = repository::read("Dockerfile");
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let mut stages: Vec<Stage> = Vec::new();
    for line in joined.lines().filter(|line| !line.trim().is_empty()) {
        let (name, rest) = line
            .split_once(' ')
            .unwrap_or_else(|| panic!("Dockerfile: {line}"));
        if name == "FROM" {
            let (from, stage) = rest
                .split_once(" AS ")
                .unwrap_or_else(|| panic!("Dockerfile: a stage without a name: {rest}"));
            stages.push(Stage {
                name: stage.trim().to_owned(),
                from: from.trim().to_owned(),
                instructions: Vec::new(),
            });
        } else {
            let stage = stages
                .last_mut()
                .expect("an instruction belongs to a stage");
            stage
                .instructions
                .push((name.to_owned(), rest.trim().to_owned()));
        }
    }
    stages
}

fn stage<'a>(stages: &'a [Stage], name: &str) -> Option<&'a Stage> {
    stages.iter().find(|stage| stage.name == name)
}

/// Who runs the processes of a stage: its last USER, or that of the stage that it begins with.
fn user<'a>(stages: &'a [Stage], of: &'a Stage) -> Option<&'a str> {
    of.all("USER")
        .last()
        .or_else(|| user(stages, stage(stages, &of.from)?))
}

const SERVICES: [&str; 2] = ["command-service", "query-service"];

#[test]
fn there_is_a_stage_for_each_service_and_it_runs_its_binary() {
    let stages = stages();
    for service in SERVICES {
        let stage =
            stage(&stages, service).unwrap_or_else(|| panic!("Dockerfile: no stage {service}"));
        let binary = format!("/usr/local/bin/{service}");
        let copied = stage
            .all("COPY")
            .any(|rest| rest == format!("--from=build /out/{service} {binary}"));
        assert!(copied, "{service}: its binary is not copied");
        let entry: Vec<_> = stage.all("ENTRYPOINT").collect();
        assert_eq!(entry, [format!("[\"{binary}\"]")], "{service}");
        assert!(super::configuration::subcommands(service).contains(&"serve".to_owned()));
        assert_eq!(
            stage.all("CMD").collect::<Vec<_>>(),
            ["[\"serve\"]"],
            "{service}"
        );
        let listen = stage.environment();
        let known = super::configuration::variables(service);
        for (name, value) in &listen {
            assert!(known.contains(name), "{service} does not read {name}");
            let port = value.rsplit_once(':').expect("an address has a port").1;
            assert_eq!(stage.all("EXPOSE").collect::<Vec<_>>(), [port], "{service}");
        }
    }
}

#[test]
fn no_image_of_a_service_runs_as_root() {
    let stages = stages();
    for service in SERVICES {
        let stage = stage(&stages, service).expect("a stage");
        let user = user(&stages, stage)
            .unwrap_or_else(|| panic!("{service}: no USER, so it runs as root"));
        let number: u32 = user
            .split(':')
            .next()
            .and_then(|id| id.parse().ok())
            .expect("a number, which can be checked");
        assert!(number > 0, "{service} runs as root");
    }
}

#[test]
fn the_build_builds_what_the_images_take() {
    let stages = stages();
    let build = stage(&stages, "build").expect("a stage `build`");
    let runs = build.all("RUN").collect::<Vec<_>>().join(" ");
    for service in SERVICES {
        assert!(
            runs.contains(&format!("--bin {service}")),
            "{service} is not built"
        );
        let manifest = manifest::sections(&format!("{service}/Cargo.toml"));
        assert!(
            manifest["bin"].contains(&format!("name = \"{service}\"")),
            "there is no binary {service}"
        );
        assert!(
            runs.contains(&format!("target/release/{service}")) && runs.contains("/out/"),
            "{service} is not kept"
        );
    }
    assert!(
        runs.contains("--locked"),
        "the build takes the versions of Cargo.lock"
    );
}

#[test]
fn what_is_copied_exists_and_nothing_needed_is_left_out() {
    let stages = stages();
    for stage_here in &stages {
        for copy in stage_here.all("COPY") {
            let mut words = copy.split_whitespace();
            let first = words.next().expect("what is copied");
            if let Some(from) = first.strip_prefix("--from=") {
                assert!(
                    stage(&stages, from).is_some(),
                    "COPY {copy}: no stage {from}"
                );
            } else {
                assert!(
                    repository::exists(first),
                    "COPY {copy}: {first} is not there"
                );
            }
        }
    }
    let ignored = repository::read(".dockerignore");
    let ignored: Vec<_> = ignored
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    // Cargo reads every member, also those that it does not build.
    for needed in manifest::members()
        .iter()
        .map(String::as_str)
        .chain(["Cargo.toml", "Cargo.lock"])
    {
        assert!(
            !ignored.contains(&needed),
            ".dockerignore leaves out {needed}"
        );
    }
    assert!(
        ignored.contains(&"target") && ignored.contains(&".git"),
        "the build takes more than it needs"
    );
}

#[test]
fn the_compiler_is_that_of_the_repository_and_the_libc_is_the_same() {
    let stages = stages();
    let toolchain = repository::read("rust-toolchain.toml");
    let channel = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("channel = \"")?.strip_suffix('"'));
    let release = channel
        .and_then(|channel| channel.rsplit_once('.'))
        .expect("a release such as 1.95.0")
        .0;
    let image = &stage(&stages, "build").expect("a stage `build`").from;
    let (tag, debian) = image
        .strip_prefix("rust:")
        .and_then(|tag| tag.split_once('-'))
        .expect("rust:<release>-<debian>");
    assert_eq!(
        tag, release,
        "another compiler than that of rust-toolchain.toml"
    );
    assert_eq!(
        stage(&stages, "runtime").expect("a stage `runtime`").from,
        format!("debian:{debian}-slim")
    );
}
