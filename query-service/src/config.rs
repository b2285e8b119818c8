//! What an operator can set: each option with its variable, unit, limits and default. Nothing else reads the environment.

use std::{fmt, net::SocketAddr, time::Duration};

use clap::{ArgAction, Args, value_parser};
use onsale_proto::server::ServerLimits;
use onsale_shared::log::tail::TailConfig;

const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 50_052);
const POLL_INTERVAL_MS: u64 = 100;
const PAGE_EVENTS: u32 = 2_000;
const LAG_MS_MAX: u64 = 10_000;
const PROJECTION_INTERVAL_MS: u64 = 20;
const READ_CONNECTIONS_MAX: u32 = 8;
const READ_TIMEOUT_MS: u64 = 5_000;
const WATCH_STREAMS_MAX: u32 = 10_000;
const HEARTBEAT_INTERVAL_MS: u64 = 15_000;
const CALLS_PER_CONNECTION_MAX: u32 = 4_096;
const SHUTDOWN_GRACE_MS: u64 = 10_000;

/// How query-service runs.
#[derive(Args, Clone)]
pub struct Config {
    /// The PostgreSQL database with the event log and the read models; a direct connection, not a transaction pooler
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: String,

    /// The address to serve gRPC on
    #[arg(long, env = "ONSALE_QUERY_LISTEN", default_value_t = LISTEN, value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// The address to serve metrics on, for Prometheus, by HTTP. Unset: nothing is measured.
    #[arg(long, env = "ONSALE_QUERY_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,

    /// Whether to wake up on notifications of PostgreSQL; without them the log is only polled
    #[arg(long, env = "ONSALE_QUERY_HINTS", default_value_t = true, action = ArgAction::Set, value_name = "BOOL")]
    pub hints: bool,

    /// The longest time between two looks at the log, in milliseconds
    #[arg(long, env = "ONSALE_QUERY_POLL_INTERVAL_MS", default_value_t = POLL_INTERVAL_MS,
          value_parser = value_parser!(u64).range(1..=60_000), value_name = "MILLISECONDS")]
    pub poll_interval_ms: u64,

    /// The most events to read from the log at once
    #[arg(long, env = "ONSALE_QUERY_PAGE_EVENTS", default_value_t = PAGE_EVENTS,
          value_parser = value_parser!(u32).range(1..=100_000), value_name = "EVENTS")]
    pub page_events: u32,

    /// How far memory or a read model may be behind the log before the service is unhealthy, in milliseconds
    #[arg(long, env = "ONSALE_QUERY_LAG_MS_MAX", default_value_t = LAG_MS_MAX,
          value_parser = value_parser!(u64).range(100..=3_600_000), value_name = "MILLISECONDS")]
    pub lag_ms_max: u64,

    /// The shortest time between two writes of a read model, in milliseconds; the first after a pause goes at once
    #[arg(long, env = "ONSALE_QUERY_PROJECTION_INTERVAL_MS", default_value_t = PROJECTION_INTERVAL_MS,
          value_parser = value_parser!(u64).range(0..=60_000), value_name = "MILLISECONDS")]
    pub projection_interval_ms: u64,

    /// The most connections to PostgreSQL for queries; following the log, reading it for queries, and the projections take 15
    /// more, and rebuilds and exports a few
    #[arg(long, env = "ONSALE_QUERY_READ_CONNECTIONS_MAX", default_value_t = READ_CONNECTIONS_MAX,
          value_parser = value_parser!(u32).range(1..=1_000), value_name = "CONNECTIONS")]
    pub read_connections_max: u32,

    /// How long a read without a deadline of its own may take, in milliseconds
    #[arg(long, env = "ONSALE_QUERY_READ_TIMEOUT_MS", default_value_t = READ_TIMEOUT_MS,
          value_parser = value_parser!(u64).range(1..=60_000), value_name = "MILLISECONDS")]
    pub read_timeout_ms: u64,

    /// The most open streams, of live availability and of events; one more is refused
    #[arg(long, env = "ONSALE_QUERY_WATCH_STREAMS_MAX", default_value_t = WATCH_STREAMS_MAX,
          value_parser = value_parser!(u32).range(1..=1_000_000), value_name = "STREAMS")]
    pub watch_streams_max: u32,

    /// After how long without a frame a stream sends a heartbeat, in milliseconds
    #[arg(long, env = "ONSALE_QUERY_HEARTBEAT_INTERVAL_MS", default_value_t = HEARTBEAT_INTERVAL_MS,
          value_parser = value_parser!(u64).range(10..=3_600_000), value_name = "MILLISECONDS")]
    pub heartbeat_interval_ms: u64,

    /// The most open calls of one connection
    #[arg(long, env = "ONSALE_QUERY_CALLS_PER_CONNECTION_MAX", default_value_t = CALLS_PER_CONNECTION_MAX,
          value_parser = value_parser!(u32).range(1..=1_000_000), value_name = "CALLS")]
    pub calls_per_connection_max: u32,

    /// How long calls may take to end after the process was asked to stop, in milliseconds
    #[arg(long, env = "ONSALE_QUERY_SHUTDOWN_GRACE_MS", default_value_t = SHUTDOWN_GRACE_MS,
          value_parser = value_parser!(u64).range(0..=600_000), value_name = "MILLISECONDS")]
    pub shutdown_grace_ms: u64,
}

impl Config {
    /// The defaults, for a database.
    #[must_use]
    pub fn new(database_url: impl Into<String>) -> Self {
        Self {
            database_url: database_url.into(),
            listen: LISTEN,
            metrics_listen: None,
            hints: true,
            poll_interval_ms: POLL_INTERVAL_MS,
            page_events: PAGE_EVENTS,
            lag_ms_max: LAG_MS_MAX,
            projection_interval_ms: PROJECTION_INTERVAL_MS,
            read_connections_max: READ_CONNECTIONS_MAX,
            read_timeout_ms: READ_TIMEOUT_MS,
            watch_streams_max: WATCH_STREAMS_MAX,
            heartbeat_interval_ms: HEARTBEAT_INTERVAL_MS,
            calls_per_connection_max: CALLS_PER_CONNECTION_MAX,
            shutdown_grace_ms: SHUTDOWN_GRACE_MS,
        }
    }

    pub(crate) fn tail(&self) -> TailConfig {
        TailConfig {
            poll_interval: self.poll_interval(),
            page_events: usize::try_from(self.page_events).unwrap_or(usize::MAX),
            hints: self.hints,
        }
    }

    pub(crate) fn server_limits(&self) -> ServerLimits {
        ServerLimits {
            streams_per_connection: self.calls_per_connection_max,
            shutdown_grace: Duration::from_millis(self.shutdown_grace_ms),
            ..ServerLimits::default()
        }
    }

    pub(crate) const fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.poll_interval_ms)
    }

    pub(crate) const fn projection_interval(&self) -> Duration {
        Duration::from_millis(self.projection_interval_ms)
    }

    pub(crate) const fn lag_max(&self) -> Duration {
        Duration::from_millis(self.lag_ms_max)
    }

    pub(crate) const fn read_timeout(&self) -> Duration {
        Duration::from_millis(self.read_timeout_ms)
    }

    pub(crate) const fn heartbeat_interval(&self) -> Duration {
        Duration::from_millis(self.heartbeat_interval_ms)
    }
}

impl fmt::Debug for Config {
    /// Without the URL: it has a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        config: Config,
    }

    #[test]
    fn the_defaults_in_code_are_those_of_the_command_line() {
        let parsed = Cli::try_parse_from(["x", "--database-url", "postgres://h/d"]).unwrap();
        let (parsed, new) = (parsed.config, Config::new("postgres://h/d"));
        assert_eq!(parsed.tail(), new.tail());
        assert_eq!(parsed.lag_max(), new.lag_max());
        assert_eq!(parsed.projection_interval(), new.projection_interval());
        assert_eq!(parsed.read_timeout(), new.read_timeout());
        assert_eq!(parsed.heartbeat_interval(), new.heartbeat_interval());
    }

    #[test]
    fn a_password_is_never_shown() {
        let config = Config::new("postgres://user:secret@h/d");
        assert!(!format!("{config:?}").contains("secret"));
    }
}
