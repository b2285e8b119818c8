//! A customer: comes, orders, asks again when that makes sense, and leaves. What he does with his tickets is in
//! [`orders`].

mod orders;

use std::{sync::Arc, time::Duration};

use onsale_proto::{reason::Reason, v1::SaleStatus};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    line::{Line, Refusal},
    plan::Plan,
    tally::{Ending, Tally},
    watch::View,
};
use orders::Order;

/// How often somebody asks for tickets before he gives up.
const TRIES: u32 = 6;
/// How long somebody waits for good news before he asks anyway.
const NEWS_WAIT: Duration = Duration::from_secs(4);
/// How often somebody looks for tickets that others were quicker to take before he asks anyway.
const LOOKS: u32 = 3;
/// The most tickets of one order, as the pool says.
const ORDER_MAX: u32 = 4;

/// See the module.
#[derive(Debug)]
pub(super) struct Customer {
    pub(super) pool_id: Arc<str>,
    pub(super) reference: String,
    pub(super) plan: Plan,
    pub(super) line: Line,
    pub(super) view: watch::Receiver<View>,
    pub(super) tally: Arc<Tally>,
}

impl Customer {
    /// From coming to leaving.
    pub(super) async fn visit(mut self) {
        sleep(self.plan.arrival).await;
        self.tally.note(|figures| figures.arrived += 1);
        let ending = self.ask_until_served().await;
        self.tally.note(|figures| {
            *figures.endings.entry(ending).or_default() += 1;
        });
    }

    async fn ask_until_served(&mut self) -> Ending {
        let mut tries = 0;
        while tries < TRIES {
            let refusal = match self.order().await {
                Order::Served(ending) => return ending,
                Order::Refused(refusal) => refusal,
            };
            match refusal.reason {
                Some(Reason::SoldOut) => return Ending::FoundSoldOut,
                Some(Reason::SalesStopped) => {
                    self.wait_for(|status| status != SaleStatus::Stopped).await;
                    sleep(self.plan.pause(0..1_200)).await;
                }
                Some(Reason::OrderLimitExceeded) if self.plan.quantity > ORDER_MAX => {
                    self.plan.quantity = ORDER_MAX;
                }
                Some(Reason::InsufficientAvailability) => {
                    tries += 1;
                    self.plan.quantity = left(&refusal);
                }
                Some(Reason::SoldOutForNow) => {
                    tries += 1;
                    self.plan.mean_it();
                    self.wait_for_tickets().await;
                }
                _ => return self.odd(&refusal.text),
            }
        }
        Ending::GaveUp
    }

    /// Waits until tickets come back, and still are there when he comes to look; not all look at the same moment.
    async fn wait_for_tickets(&mut self) {
        let is_good = |status| status != SaleStatus::SoldOutForNow;
        for _ in 0..LOOKS {
            sleep(self.plan.pause(200..1_500)).await;
            self.wait_for(is_good).await;
            sleep(self.plan.pause(0..1_200)).await;
            if is_good(self.view.borrow().availability.sale_status()) {
                return;
            }
        }
    }

    /// Waits until the live view says so; not for ever, since it may be away.
    async fn wait_for(&mut self, is_good: impl Fn(SaleStatus) -> bool) {
        let good = self
            .view
            .wait_for(|view| is_good(view.availability.sale_status()));
        timeout(NEWS_WAIT, good).await.ok();
    }

    /// An answer that contradicts what he knows.
    fn odd(&self, text: &str) -> Ending {
        self.tally.note(|figures| figures.odd.push(text.to_owned()));
        Ending::Odd
    }
}

/// How many tickets he may still ask for.
fn left(refusal: &Refusal) -> u32 {
    refusal.available.unwrap_or(1).clamp(1, ORDER_MAX)
}
