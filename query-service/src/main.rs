//! The program: reads its command line, starts logging, and runs one subcommand.

use std::{
    io::{Write as _, stdout},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum, error::ErrorKind};
use mimalloc::MiMalloc;
use onsale_proto::health;
use onsale_query_service::{Comparison, Config, RebuildOptions, migrate, rebuild, serve, verify};
use onsale_shared::{log::postgres::InvalidDatabaseUrl, shutdown, telemetry};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The read side of Onsale: live availability, and everything that follows from the log: pools, claims, customers, sales,
/// who did what.
#[derive(Parser)]
#[command(name = "query-service", version, about)]
struct Cli {
    /// What is logged, as a filter of tracing-subscriber, such as `info` or `onsale_query_service=debug,info`
    #[arg(
        long,
        global = true,
        env = "ONSALE_LOG",
        default_value = "info,sqlx::postgres::notice=warn",
        value_name = "FILTER"
    )]
    log: String,

    /// How log lines look, on standard error
    #[arg(long, global = true, env = "ONSALE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    log_format: LogFormat,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve queries until SIGTERM or SIGINT
    Serve(Box<Config>),
    /// Bring the read models' schema and the views for reports up to date; after `command-service migrate`; safe when several
    /// do so at once
    ///
    /// Makes the role `onsale_reporting`, and gives `onsale_query_service` its rights, where the login may.
    Migrate {
        /// The PostgreSQL database with the event log and the read models
        #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
        database_url: String,
    },
    /// Build the tables of a projection anew from the log, compare them with the live ones, and let queries see them
    ///
    /// Queries are answered from the old tables meanwhile, and the service goes on writing them. What was broken off is gone
    /// on with. A progress bar is written to standard error if that is a terminal; what was compared, to standard output.
    Rebuild {
        /// The projection, as `GetProjections` names it
        projection: String,
        /// The PostgreSQL database with the event log and the read models
        #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
        database_url: String,
        /// Let queries see the new tables although they differ from the old ones
        #[arg(long)]
        accept_differences: bool,
        /// Begin from the beginning, even if something was broken off
        #[arg(long)]
        anew: bool,
    },
    /// Fold the log beside the read models, and say in which row they differ from it; exit with 1 if there is one
    ///
    /// Safe at any time: the service goes on. Needs room for a second copy of the tables of one projection. A progress bar is
    /// written to standard error if that is a terminal; what was compared, to standard output.
    Verify {
        /// The projections, as `GetProjections` names them; all, if none is named
        projections: Vec<String>,
        /// The PostgreSQL database with the event log and the read models
        #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
        database_url: String,
    },
    /// Exit with 0 if a server says SERVING; otherwise say why not, and exit with 1
    Health {
        /// The server to ask, as http://host:port or host:port
        #[arg(long, default_value = "http://127.0.0.1:50052", value_name = "URL")]
        address: String,
        /// What to ask it for, as `grpc.health.v1` names it, such as onsale.v1.QueryService/projections/pools; the whole
        /// server, if none is named
        #[arg(
            long,
            default_value = "",
            hide_default_value = true,
            value_name = "NAME"
        )]
        service: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line, for machines
    Json,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let format = match cli.log_format {
        LogFormat::Text => telemetry::LogFormat::Text,
        LogFormat::Json => telemetry::LogFormat::Json,
    };
    if let Err(error) = telemetry::start(&cli.log, format) {
        refuse(&error);
    }
    let ended = match cli.command {
        Command::Serve(config) => run(*config).await,
        Command::Migrate { database_url } => migrate(&database_url).await,
        Command::Rebuild {
            projection,
            database_url,
            accept_differences,
            anew,
        } => {
            let options = RebuildOptions {
                accept_differences,
                anew,
            };
            rebuilt(&database_url, &projection, options).await
        }
        Command::Verify {
            projections,
            database_url,
        } => verified(&database_url, &projections).await,
        Command::Health { address, service } => return health::exit_code(&address, service).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<InvalidDatabaseUrl>() => refuse(&error.to_string()),
        Err(error) => {
            tracing::error!("{}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> anyhow::Result<()> {
    let stop = shutdown::on_signal().context("signals cannot be handled")?;
    let listener = TcpListener::bind(config.listen).await;
    let listener = listener.with_context(|| {
        format!(
            "{} cannot be listened on; set ONSALE_QUERY_LISTEN to another address",
            config.listen
        )
    })?;
    serve(config, listener, stop).await
}

async fn rebuilt(
    database_url: &str,
    projection: &str,
    options: RebuildOptions,
) -> anyhow::Result<()> {
    let compared = rebuild(database_url, projection, options).await?;
    writeln!(stdout(), "{compared}\nthe new tables are live")?;
    Ok(())
}

async fn verified(database_url: &str, projections: &[String]) -> anyhow::Result<()> {
    let compared = verify(database_url, projections).await?;
    for comparison in &compared {
        writeln!(stdout(), "{comparison}")?;
    }
    let differ = compared.iter().any(Comparison::differ);
    anyhow::ensure!(!differ, "the read models are not what the log says");
    Ok(())
}

/// An error and its causes, without what a cause's own text has repeated of the next one.
fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !sentence.contains(&cause) {
            sentence = format!("{sentence}: {cause}");
        }
    }
    sentence
}

/// Ends the process as clap does when it cannot use the command line: with code 2.
fn refuse(reason: &str) -> ! {
    Cli::command()
        .error(ErrorKind::ValueValidation, reason)
        .exit()
}
