//! The configuration of the service: each option with its environment variable, unit, default and limit; read once.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// Every option of `command-service serve`.
#[derive(Clone, clap::Args)]
pub struct Config {
    /// PostgreSQL, as postgres://user:password@host:port/database. A direct connection, not a transaction pooler:
    /// sessions have settings, and LISTEN needs one of its own.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: String,

    /// The address to serve gRPC on.
    #[arg(long, env = "ONSALE_COMMAND_LISTEN", default_value = "127.0.0.1:50051")]
    pub listen: SocketAddr,

    /// The address to serve metrics on, for Prometheus, by HTTP. Unset: nothing is measured.
    #[arg(long, env = "ONSALE_COMMAND_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,

    /// The name of this instance in the metadata of events. Unset: a random one.
    #[arg(long, env = "ONSALE_INSTANCE")]
    pub instance: Option<String>,

    /// Addresses of proxies whose `x-forwarded-for` or `forwarded` is believed, separated by commas; no networks, no names.
    #[arg(long, env = "ONSALE_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpAddr>,

    /// Actors who act for customers, separated by commas: what they release is recorded as released by an operator. While
    /// there is no authentication, only callers on the same machine have an actor.
    #[arg(long, env = "ONSALE_OPERATORS", value_delimiter = ',')]
    pub operators: Vec<String>,

    /// How long a call without a deadline may take, in milliseconds.
    #[arg(long, env = "ONSALE_DEADLINE_DEFAULT_MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(10..=600_000))]
    pub deadline_default_ms: u64,

    /// How long any call may take, in milliseconds.
    #[arg(long, env = "ONSALE_DEADLINE_MAX_MS", default_value_t = 60_000, value_parser = clap::value_parser!(u64).range(10..=600_000))]
    pub deadline_max_ms: u64,

    /// How many commands may wait for their answer at once; further ones are refused as OVERLOADED. New claims may take
    /// three quarters of the places, what finishes claims all but a sixteenth, promoters' commands all.
    #[arg(long, env = "ONSALE_CALLS_MAX", default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub calls_max: u32,

    /// How many commands of one `Execute` stream may wait for their answer at once; further ones are not read.
    #[arg(long, env = "ONSALE_STREAM_COMMANDS_MAX", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub stream_commands_max: u32,

    /// How many commands may wait for one pool in each lane (promoters, finishing claims, new claims). What finishes claims
    /// takes the places of claims too, up to as many again.
    #[arg(long, env = "ONSALE_QUEUE_MAX", default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub queue_max: u32,

    /// How many pools may be loaded at once. Pools that are loaded to be swept take three quarters of the places, customers'
    /// commands all but a sixteenth, promoters' commands all.
    #[arg(long, env = "ONSALE_POOLS_MAX", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub pools_max: u32,

    /// How long a pool without commands stays loaded, in milliseconds; one that was loaded to be swept stays 10 s at most.
    #[arg(long, env = "ONSALE_POOL_IDLE_MS", default_value_t = 60_000, value_parser = clap::value_parser!(u64).range(100..=86_400_000))]
    pub pool_idle_ms: u64,

    /// After how many events of a pool its state is stored anew, so that it is loaded without them; 0: never, and stored
    /// states are not used.
    #[arg(long, env = "ONSALE_SNAPSHOT_EVENTS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000_000))]
    pub snapshot_events: u32,

    /// How long the trace of refusals is kept, in hours.
    #[arg(long, env = "ONSALE_REFUSALS_KEPT_HOURS", default_value_t = 72, value_parser = clap::value_parser!(u32).range(1..=8_760))]
    pub refusals_kept_hours: u32,

    /// A batch takes no further command once it has this many events (1 to 500).
    #[arg(long, env = "ONSALE_BATCH_EVENTS", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub batch_events: u16,

    /// How long one attempt to append may take before its outcome counts as unknown, in milliseconds.
    #[arg(long, env = "ONSALE_APPEND_TIMEOUT_MS", default_value_t = 6_000, value_parser = clap::value_parser!(u64).range(100..=60_000))]
    pub append_timeout_ms: u64,

    /// Whether readers are told of new events by NOTIFY; without it they poll.
    #[arg(long, env = "ONSALE_NOTIFY", default_value_t = true, action = clap::ArgAction::Set)]
    pub notify: bool,

    /// How often the log is looked at for deadlines without a hint, in milliseconds.
    #[arg(long, env = "ONSALE_POLL_INTERVAL_MS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(5..=10_000))]
    pub poll_interval_ms: u64,

    /// How long the server, asked to stop, still says so (health `NOT_SERVING`, commands refused as DRAINING) before it
    /// closes connections, in milliseconds.
    #[arg(long, env = "ONSALE_DRAIN_NOTICE_MS", default_value_t = 250, value_parser = clap::value_parser!(u64).range(0..=60_000))]
    pub drain_notice_ms: u64,

    /// How long running calls may take to end after that, in milliseconds.
    #[arg(long, env = "ONSALE_SHUTDOWN_GRACE_MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(0..=600_000))]
    pub shutdown_grace_ms: u64,
}

impl Config {
    /// The idle time of pools.
    #[must_use]
    pub const fn pool_idle(&self) -> Duration {
        Duration::from_millis(self.pool_idle_ms)
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
