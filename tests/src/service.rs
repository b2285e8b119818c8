//! A service as a process of its own: the very binary that operators run.

use std::{
    env,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    sync::oneshot,
    time::timeout,
};
use tonic::transport::{Channel, Endpoint};

use crate::wait::eventually;

/// How long a service may take to start or to end, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// command-service.
    Command,
    /// query-service.
    Query,
}

impl Kind {
    /// The name of its binary.
    #[must_use]
    pub const fn binary(self) -> &'static str {
        match self {
            Self::Command => "command-service",
            Self::Query => "query-service",
        }
    }
}

/// A running service. Dropped, it is killed.
#[derive(Debug)]
pub struct Service {
    child: Child,
    address: String,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Service {
    /// Starts a service on a port of its own and waits until it says that it is ready. `options` are environment
    /// variables.
    ///
    /// # Panics
    /// The binary is missing, or it does not get ready.
    pub async fn start(kind: Kind, database_url: &str, options: &[(&str, &str)]) -> Self {
        let service = Self::start_unready(kind, database_url, options).await;
        eventually(PATIENCE, format!("{} is ready", kind.binary()), || {
            service.is_ready()
        })
        .await;
        service
    }

    /// As [`Self::start`], but waits only until it listens.
    ///
    /// # Panics
    /// The binary is missing, or it does not start.
    pub async fn start_unready(kind: Kind, database_url: &str, options: &[(&str, &str)]) -> Self {
        let mut child = Command::new(binary(kind))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("DATABASE_URL", database_url)
            .env("ONSALE_LOG", "info")
            .env("ONSALE_LOG_FORMAT", "json")
            .envs(options.iter().copied())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the service can be started");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (listening, is_listening) = oneshot::channel();
        let stderr = child.stderr.take().expect("stderr is piped");
        drop(tokio::spawn(read_lines(
            stderr,
            Arc::clone(&lines),
            listening,
        )));
        let Ok(Ok(address)) = timeout(PATIENCE, is_listening).await else {
            let log = lines
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .join("\n");
            unreachable!("{} did not start:\n{log}", kind.binary());
        };
        Self {
            child,
            address: format!("http://{address}"),
            lines,
        }
    }

    async fn is_ready(&self) -> Option<()> {
        onsale_proto::health::is_serving(self.address.clone())
            .await
            .then_some(())
    }

    /// Where it serves, as `http://host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A new connection to it.
    ///
    /// # Panics
    /// It cannot be reached.
    pub async fn channel(&self) -> Channel {
        connect(&self.address).await
    }

    /// Its process id.
    ///
    /// # Panics
    /// It has ended.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the service runs")
    }

    /// Sends it a signal, such as `TERM`, `STOP` or `CONT`.
    ///
    /// # Panics
    /// It has ended.
    pub async fn signal(&self, name: &str) {
        signal(self.pid(), name).await;
    }

    /// Kills it with SIGKILL, and waits until it is gone.
    ///
    /// # Panics
    /// It cannot be killed.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("the service can be killed");
    }

    /// Asks it to stop with SIGTERM, and returns its exit code; none if it had to be killed.
    ///
    /// # Panics
    /// It does not stop in time.
    pub async fn stop(mut self) -> Option<i32> {
        self.signal("TERM").await;
        let status = timeout(PATIENCE, self.child.wait()).await;
        status
            .expect("the service stops in time")
            .expect("its status")
            .code()
    }

    /// Waits until it has ended by itself, and returns its exit code; none if a signal ended it.
    ///
    /// # Panics
    /// It does not end in time.
    pub async fn ended(&mut self) -> Option<i32> {
        let status = timeout(PATIENCE, self.child.wait()).await;
        status
            .expect("the service ends in time")
            .expect("its status")
            .code()
    }

    /// What it wrote of panics, of whatever task or thread.
    #[must_use]
    pub fn panics(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .filter(|line| line.contains("panicked at"))
            .cloned()
            .collect()
    }

    /// Its log lines so far, JSON objects.
    #[must_use]
    pub fn log(&self) -> Vec<Value> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// How many log lines have this message.
    #[must_use]
    pub fn logged(&self, message: &str) -> usize {
        self.log()
            .iter()
            .filter(|line| line["message"] == message)
            .count()
    }
}

/// Sends a signal to any process.
///
/// # Panics
/// The process is gone.
pub async fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status()
        .await;
    assert!(
        sent.expect("kill can be run").success(),
        "SIG{name} was not sent to {pid}"
    );
}

/// A connection to a server.
///
/// # Panics
/// It cannot be reached.
pub async fn connect(address: &str) -> Channel {
    let endpoint = Endpoint::from_shared(address.to_owned())
        .expect("an address")
        .connect_timeout(PATIENCE);
    endpoint
        .connect()
        .await
        .expect("the service can be reached")
}

/// The binary beside the one that runs now, built by `make test` or `cargo build --workspace --bins`.
#[must_use]
pub fn binary(kind: Kind) -> PathBuf {
    let this = env::current_exe().expect("the path of this program");
    let folders = this.ancestors().skip(1).take(2);
    let found = folders
        .map(|folder| folder.join(kind.binary()))
        .find(|path| path.is_file());
    assert!(
        found.is_some(),
        "{} is not built: run `cargo build --workspace --bins`",
        kind.binary()
    );
    found.expect("asserted above")
}

async fn read_lines(
    stderr: tokio::process::ChildStderr,
    lines: Arc<Mutex<Vec<String>>>,
    listening: oneshot::Sender<String>,
) {
    let mut listening = Some(listening);
    let mut reader = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = reader.next_line().await {
        if let Some(address) = listening_address(&line)
            && let Some(listening) = listening.take()
        {
            drop(listening.send(address));
        }
        lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
    }
}

fn listening_address(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let address = line["address"]
        .as_str()
        .filter(|_| line["message"] == "listening")?;
    // Written with Debug, an address may be wrapped.
    let address = address.trim_start_matches("Some(").trim_end_matches(')');
    Some(address.to_owned())
}

/// How much memory of a process is resident, in KiB; none if it is gone (or where there is no `/proc`).
#[must_use]
pub fn resident_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
