//! The program: reads its command line, starts logging, and runs one subcommand.

use std::{
    io::{Write as _, stdout},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum, error::ErrorKind};
use mimalloc::MiMalloc;
use onsale_command_service::{Config, migrate, serve, verify::verify};
use onsale_proto::health;
use onsale_shared::{log::postgres::InvalidDatabaseUrl, shutdown, telemetry};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The write side of Onsale: validates commands and appends events with expected-version checks.
#[derive(Parser)]
#[command(name = "command-service", version, about)]
struct Cli {
    /// What is logged, as a filter of tracing-subscriber, such as `info` or `onsale_command_service=debug,info`
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
    /// Serve commands until SIGTERM or SIGINT
    Serve(Box<Config>),
    /// Bring the event log and this service's tables up to date, and make the roles of both services; before
    /// `query-service migrate`; safe when several do so at once
    Migrate {
        /// The PostgreSQL database of the event log
        #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
        database_url: String,
    },
    /// Read the whole log and say which event of each pool cannot have happened and which snapshot differs from the log;
    /// exit with 1 if there is one
    ///
    /// Reads only; safe at any time. The report is written to standard output, a progress bar to standard error if that is
    /// a terminal. Keeps the state of every pool in memory: see docs/operations.md.
    Verify {
        /// The PostgreSQL database of the event log
        #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
        database_url: String,
    },
    /// Exit with 0 if a server says SERVING; otherwise say why not, and exit with 1
    Health {
        /// The server to ask, as http://host:port or host:port
        #[arg(long, default_value = "http://127.0.0.1:50051", value_name = "URL")]
        address: String,
        /// What to ask it for, as `grpc.health.v1` names it; the whole server, if none is named
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
        Command::Verify { database_url } => verified(&database_url).await,
        Command::Health { address, service } => return health::exit_code(&address, service).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<InvalidDatabaseUrl>() => refuse(&error),
        Err(error) => {
            // The chain of causes on one line.
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> anyhow::Result<()> {
    let stop = shutdown::on_signal().context("signal handlers")?;
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!(
            "{} cannot be listened on; set ONSALE_COMMAND_LISTEN to another address",
            config.listen
        )
    })?;
    serve(config, listener, stop).await
}

async fn verified(database_url: &str) -> anyhow::Result<()> {
    let report = verify(database_url).await?;
    writeln!(stdout(), "{report}")?;
    anyhow::ensure!(report.is_sound(), "the log or a snapshot is not sound");
    Ok(())
}

/// Ends the process as clap does when it cannot use the command line: with code 2.
fn refuse(reason: &dyn std::fmt::Display) -> ! {
    Cli::command()
        .error(ErrorKind::ValueValidation, reason)
        .exit()
}
