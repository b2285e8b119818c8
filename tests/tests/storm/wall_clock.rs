//! A wall clock that is off by minutes and jumps, for one process: a library that stands in for the C library's clock,
//! built here with the compiler that Rust links with.

use std::{io::Write as _, path::PathBuf, process::Command, time::Duration};

use chrono::DateTime;
use onsale_shared::time::Timestamp;
use onsale_tests::service::Service;
use tempfile::TempDir;

const SOURCE: &str = include_str!("wall_clock.c");
/// By how much it is off at least.
const OFF_MIN: Duration = Duration::from_secs(240);

/// See the module.
pub(crate) struct WallClock {
    folder: TempDir,
}

impl WallClock {
    /// None where a library cannot be loaded before the C library; this is said.
    pub(crate) fn build() -> Option<Self> {
        if !cfg!(target_os = "linux") {
            // Past the capture of a test's output: nobody may believe that it was tested.
            writeln!(
                std::io::stderr(),
                "SKIPPED: no wall clock is off, since this is not Linux"
            )
            .ok();
            return None;
        }
        let clock = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let source = clock.folder.path().join("wall_clock.c");
        std::fs::write(&source, SOURCE).unwrap();
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(clock.library())
            .arg(&source)
            .arg("-ldl")
            .status();
        assert!(
            built.expect("cc, which Rust links with").success(),
            "the wall clock is built"
        );
        Some(clock)
    }

    /// What `LD_PRELOAD` has to name.
    pub(crate) fn library(&self) -> PathBuf {
        self.folder.path().join("libwallclock.so")
    }
}

/// Whether the lines that a service has just written are of another time than `now`.
pub(crate) fn is_off(service: &Service, now: Timestamp) -> bool {
    let lines = service.log();
    let written = lines.last().and_then(|line| line["timestamp"].as_str());
    let written = DateTime::parse_from_rfc3339(written.expect("lines have a time"));
    let written = Timestamp::from(written.unwrap().to_utc());
    written.since(now).max(now.since(written)) > OFF_MIN
}
