//! The demo: an onsale on a running system, through gRPC, and what PostgreSQL says of it afterwards.
//!
//! - `sale` is the evening: `promoter` opens the pool and stops the sale in the middle; each `customer` acts on his
//!   `plan` and sends his `command`s over a `line` that repeats what got no answer.
//! - `watch` follows the live availability, `board` draws it on the `screen`.
//! - `checks` compares what everybody was told (the `tally`) with the `log`, in SQL; `report` prints it all.

mod board;
mod checks;
mod command;
mod customer;
mod line;
mod log;
mod memory;
mod options;
mod plan;
mod promoter;
mod report;
mod sale;
mod screen;
mod services;
mod tally;
mod text;
mod watch;

use anyhow::Context as _;

pub use options::Options;

use checks::Told;
use promoter::Pause;
use report::Report;
use sale::Sale;
use screen::Screen;
use text::{counted, grouped, wrapped};

/// Runs the demo; whether every check held.
///
/// # Errors
/// It could not be run, in a sentence that says what to do; or nobody can see it any longer.
pub async fn run(options: Options) -> anyhow::Result<bool> {
    let mut screen = Screen::new(&options);
    let database_url = options.database_url.as_deref().context(
        "DATABASE_URL is not set: name the database of the services in it, or run `make demo`.",
    )?;
    services::check(
        "command-service",
        &options.command_address,
        "ONSALE_COMMAND_ADDRESS",
    )
    .await?;
    services::check(
        "query-service",
        &options.query_address,
        "ONSALE_QUERY_ADDRESS",
    )
    .await?;
    let mut sale = Sale::open(&options, database_url).await?;
    let seed = options.seed.unwrap_or_else(|| rand::random::<u32>().into());
    screen.say(&wrapped("", &introduction(&options, seed)))?;
    let pause = sale.hold(&options, seed, &mut screen).await?;
    conclude(sale, pause, &options, &screen).await
}

fn introduction(options: &Options, seed: u64) -> String {
    format!(
        "{} rush for {} over {} connections (--seed {seed}). A claim holds its tickets for {} s; the price rises \
         with every ticket, the promoter changes it after a quarter of them, and stops sales in the middle.",
        counted(options.customers, "customer"),
        counted(options.tickets, "ticket"),
        sale::CONNECTIONS,
        grouped(promoter::CLAIM_DURATION.as_secs()),
    )
}

async fn conclude(
    mut sale: Sale,
    pause: Option<Pause>,
    options: &Options,
    screen: &Screen,
) -> anyhow::Result<bool> {
    let figures = sale.tally.note(|figures| figures.clone());
    let view = sale.view.borrow().clone();
    let told = Told {
        tickets: options.tickets,
        figures: &figures,
        pause,
        view: &view,
    };
    let checks = checks::all(&mut sale.log, &told).await?;
    let report = Report {
        options,
        figures: &figures,
        view: &view,
        sales: sale.log.sales().await?,
        prices: sale.log.prices().await?,
        repeats: sale.log.repeats(&figures.repeated).await?,
        checks: &checks,
    };
    report.print(screen)?;
    screen.say(&format!("\n{}", report::verdict(&checks, screen)))?;
    Ok(checks.iter().all(|check| check.holds))
}
