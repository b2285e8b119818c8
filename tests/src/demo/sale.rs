//! The sale: the promoter opens a pool, the customers come, the board shows it, until all are through.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use super::{
    board::{Board, Rate},
    customer::Customer,
    line::Line,
    log::Log,
    options::Options,
    plan::Plan,
    promoter::{self, Pause},
    screen::Screen,
    services::connect,
    tally::Tally,
    watch::{Follower, View},
};

/// Over how many HTTP/2 connections the customers come.
pub(super) const CONNECTIONS: usize = 8;
/// How long the live view may take to show the new pool.
const OPENING: Duration = Duration::from_secs(10);
/// How long the last claims may take to end, and the live view to show it.
const SETTLING: Duration = Duration::from_secs(15);

/// See the module. Dropped, it is over: everybody goes home.
#[derive(Debug)]
pub(super) struct Sale {
    pub(super) pool_id: String,
    pub(super) log: Log,
    pub(super) view: watch::Receiver<View>,
    pub(super) tally: Arc<Tally>,
    /// The promoter has a connection of his own.
    promoter: Line,
    lines: Vec<Line>,
    /// The task that follows the live view; it ends with the sale.
    _following: JoinSet<()>,
}

impl Sale {
    /// Opens a pool and begins to follow it.
    pub(super) async fn open(options: &Options, database_url: &str) -> anyhow::Result<Self> {
        let id = Uuid::new_v4().simple().to_string();
        let pool_id = format!("demo-{}", &id[..8]);
        let mut log = Log::connect(database_url, &pool_id).await?;
        let tally = Arc::new(Tally::default());
        let mut lines = Vec::new();
        for _ in 0..CONNECTIONS {
            lines.push(Line::new(
                connect(&options.command_address).await?,
                Arc::clone(&tally),
            ));
        }
        let mut promoter = Line::new(connect(&options.command_address).await?, Arc::clone(&tally));
        let receipt = promoter::open(&mut promoter, &pool_id, options.tickets).await?;
        if log.newest_version().await? == 0 {
            bail!(
                "The database of DATABASE_URL is not that of command-service: its log does not know pools/{pool_id}."
            );
        }
        let connection = connect(&options.query_address).await?;
        let (follower, mut view) = Follower::new(connection, &pool_id, receipt.consistency_token);
        let mut following = JoinSet::new();
        following.spawn(follower.follow());
        if timeout(OPENING, view.wait_for(|view| view.availability.version > 0))
            .await
            .is_err()
        {
            bail!(
                "query-service does not show the new pool: give it the same database as command-service."
            );
        }
        Ok(Self {
            pool_id,
            log,
            view,
            tally,
            promoter,
            lines,
            _following: following,
        })
    }

    /// Lets the customers in, and shows what happens until all are through and the last claims have ended. Returns the
    /// pause in the middle, if there was one.
    pub(super) async fn hold(
        &mut self,
        options: &Options,
        seed: u64,
        screen: &mut Screen,
    ) -> anyhow::Result<Option<Pause>> {
        let mut board = Board {
            title: format!("pools/{}", self.pool_id),
            began: Instant::now(),
            view: self.view.clone(),
            tally: Arc::clone(&self.tally),
            rate: Rate::default(),
        };
        let customers = self.let_in(options.customers, seed);
        let pause = tokio::select! {
            shown = board.show(screen) => match shown? {},
            pause = self.until_all_are_through(customers) => pause?,
        };
        board.show_once(screen)?;
        screen.finish_drawing()?;
        Ok(pause)
    }

    fn let_in(&self, count: u32, seed: u64) -> JoinSet<()> {
        let mut customers = JoinSet::new();
        let pool_id: Arc<str> = self.pool_id.as_str().into();
        for (number, line) in (0..count).zip(self.lines.iter().cycle()) {
            let customer = Customer {
                pool_id: Arc::clone(&pool_id),
                reference: format!("customer-{number}"),
                plan: Plan::draw(seed, number),
                line: line.clone(),
                view: self.view.clone(),
                tally: Arc::clone(&self.tally),
            };
            customers.spawn(customer.visit());
        }
        customers
    }

    async fn until_all_are_through(
        &mut self,
        mut customers: JoinSet<()>,
    ) -> anyhow::Result<Option<Pause>> {
        let all_through = async {
            while let Some(ended) = customers.join_next().await {
                ended.context("A customer stumbled over a defect of the demo.")?;
            }
            Ok(())
        };
        let (line, view) = (&mut self.promoter, self.view.clone());
        let promoting = async {
            promoter::reprice(line, &self.pool_id, view.clone()).await?;
            promoter::pause(line, &self.pool_id, view).await
        };
        let (pause, ()) = tokio::try_join!(promoting, all_through)?;
        self.settle().await?;
        Ok(pause)
    }

    /// Waits until the last claims have ended and the live view shows all that is in the log; for a while, since it is
    /// up to the checks to say that it does not.
    async fn settle(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + SETTLING;
        while Instant::now() < deadline {
            let newest = self.log.newest_version().await?;
            let seen = self.view.borrow().availability.clone();
            if seen.held == 0 && seen.version == newest {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}
