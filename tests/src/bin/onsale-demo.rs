//! The program of [`onsale_tests::demo`]: its exit code is 0 if every check held, 1 if one failed, 2 if the demo could
//! not be run, 130 if it was stopped.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser as _;
use onsale_shared::shutdown;
use onsale_tests::demo::{Options, run};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let stop = match shutdown::on_signal() {
        Ok(stop) => stop,
        Err(error) => return could_not(&error.into()),
    };
    // Dropped when it is stopped, and with it all customers; the screen is as it was.
    match stop.run_until_cancelled(Box::pin(run(options))).await {
        Some(Ok(true)) => ExitCode::SUCCESS,
        Some(Ok(false)) => ExitCode::FAILURE,
        Some(Err(error)) => could_not(&error),
        None => ExitCode::from(130),
    }
}

fn could_not(error: &anyhow::Error) -> ExitCode {
    let unseen = error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    if !unseen {
        // Where standard error is closed too, the exit code has to do.
        writeln!(io::stderr(), "{error}").ok();
    }
    ExitCode::from(2)
}
