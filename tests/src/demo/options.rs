//! What can be set on the command line.

use std::fmt;

use clap::{Parser, builder::FalseyValueParser, value_parser};

/// Shows an onsale on a running system: customers rush for the tickets of a new pool, and PostgreSQL is asked at the end.
///
/// A promoter opens a pool; customers claim, buy, let claims expire, give tickets back, lose connections and repeat
/// what got no answer; sales are stopped in the middle and resumed. Everything goes through gRPC. At the end, SQL on the
/// event log proves that nothing was oversold and no acknowledged purchase was lost; the exit code is 0 only then.
///
/// It needs both services and their database: `make up` starts them, `make demo` does that too and then runs this.
#[derive(Clone, Parser)]
#[command(name = "onsale-demo", version)]
pub struct Options {
    /// Where command-service is
    #[arg(
        long,
        env = "ONSALE_COMMAND_ADDRESS",
        default_value = "http://127.0.0.1:50051",
        value_name = "URL"
    )]
    pub command_address: String,

    /// Where query-service is
    #[arg(
        long,
        env = "ONSALE_QUERY_ADDRESS",
        default_value = "http://127.0.0.1:50052",
        value_name = "URL"
    )]
    pub query_address: String,

    /// The PostgreSQL database of the services (postgres://user:password@host:port/database), as who may read their log
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// How many customers come: 1 to 50,000
    #[arg(long, default_value_t = 5_000, value_parser = value_parser!(u32).range(1..=50_000), value_name = "NUMBER")]
    pub customers: u32,

    /// How many tickets there are: 1 to 100,000
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..=100_000), value_name = "NUMBER")]
    pub tickets: u32,

    /// Chooses what each customer does; the same number, the same customers. Unset: a random one, which is printed
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,

    /// Print a line a second instead of drawing; this is so by itself where the output is no terminal
    #[arg(long)]
    pub plain: bool,

    /// Draw without colours
    #[arg(long, env = "NO_COLOR", value_parser = FalseyValueParser::new(), hide_env_values = true)]
    pub no_color: bool,
}

impl fmt::Debug for Options {
    /// Without the URL: it has a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = f.debug_struct("Options");
        options
            .field("customers", &self.customers)
            .field("tickets", &self.tickets);
        options.finish_non_exhaustive()
    }
}
