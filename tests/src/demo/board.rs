//! The board: the live view as a bar with its numbers, drawn in place on a terminal, or a line a second elsewhere.

mod rate;

pub(super) use rate::Rate;

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use onsale_proto::{
    Money,
    v1::{Availability, SaleStatus},
};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};

use super::{
    line::DROPPED,
    screen::{Screen, Style},
    tally::Tally,
    text::{WIDTH, clock, counted, grouped},
    watch::View,
};

const DRAW_INTERVAL: Duration = Duration::from_millis(100);
const LINE_INTERVAL: Duration = Duration::from_secs(1);
const BAR_WIDTH: usize = WIDTH - 4;

/// See the module.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) title: String,
    pub(super) began: Instant,
    pub(super) view: watch::Receiver<View>,
    pub(super) tally: Arc<Tally>,
    pub(super) rate: Rate,
}

impl Board {
    /// Shows what happens until it is dropped, or nobody can see it any longer.
    pub(super) async fn show(&mut self, screen: &mut Screen) -> io::Result<Infallible> {
        let every = if screen.is_drawn() {
            DRAW_INTERVAL
        } else {
            LINE_INTERVAL
        };
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.show_once(screen)?;
        }
    }

    /// Shows what is.
    pub(super) fn show_once(&mut self, screen: &mut Screen) -> io::Result<()> {
        let view = self.view.borrow_and_update().clone();
        let rate = self.rate.of(Instant::now(), view.availability.sold);
        if screen.is_drawn() {
            let lines = self.lines(&view, rate, screen);
            screen.draw(&lines)
        } else {
            screen.say(&self.line(&view, rate))
        }
    }

    fn line(&self, view: &View, rate: i64) -> String {
        let Availability {
            sold,
            held,
            available,
            ..
        } = view.availability;
        let time = clock(self.began.elapsed());
        let status = status(view).0;
        format!(
            "{time}   sold {sold:>5}   held {held:>5}   available {available:>5}   {rate:>5} sold/s   {:>9}   {status}",
            price(view)
        )
    }

    fn lines(&self, view: &View, rate: i64, screen: &Screen) -> Vec<String> {
        let Availability {
            sold,
            held,
            available,
            ..
        } = view.availability;
        let (status, style) = status(view);
        let time = clock(self.began.elapsed());
        let counts = format!(
            "sold {}   held {}   available {}",
            grouped(sold),
            grouped(held),
            grouped(available)
        );
        let (arrived, through, refused, dropped) = self.tally.note(|figures| {
            let refused: u32 = figures.refusals.values().sum();
            let dropped = figures
                .unanswered_attempts
                .get(DROPPED)
                .copied()
                .unwrap_or_default();
            (figures.arrived, figures.through(), refused, dropped)
        });
        let customers = format!(
            "{} inside   {} through",
            grouped(arrived - through),
            grouped(through)
        );
        let answers = format!(
            "{} refused   {}",
            grouped(refused),
            counted(dropped, "dropped call")
        );
        vec![
            String::new(),
            format!(
                "  {}{}",
                screen.styled(Style::Bold, &self.title),
                right(&self.title, &time)
            ),
            format!("  {}", bar(&view.availability, screen)),
            format!(
                "  {counts}{}{}",
                gap(&counts, status),
                screen.styled(style, status)
            ),
            format!(
                "  {customers}   {answers}{}",
                right(
                    &format!("{customers}   {answers}"),
                    &format!("{} a ticket   {} sold/s", price(view), grouped(rate))
                )
            ),
        ]
    }
}

/// What a ticket costs now; empty before the first view.
fn price(view: &View) -> String {
    let price = view.availability.unit_price.as_ref();
    price.map(shown).unwrap_or_default()
}

/// An amount in euros, the demo's currency.
fn shown(price: &Money) -> String {
    format!("{}.{:02} EUR", price.units, price.nanos / 10_000_000)
}

fn status(view: &View) -> (&'static str, Style) {
    if !view.is_live {
        return ("live view lost, reconnecting", Style::Bad);
    }
    match view.availability.sale_status() {
        SaleStatus::Unspecified => ("unknown", Style::Bad),
        SaleStatus::NotOpen => ("not open yet", Style::Warning),
        SaleStatus::Open => ("on sale", Style::Good),
        SaleStatus::Stopped => ("sales stopped", Style::Bad),
        SaleStatus::SoldOutForNow => ("sold out for now", Style::Warning),
        SaleStatus::SoldOut => ("sold out", Style::Bold),
        SaleStatus::Ended => ("sale over", Style::Bold),
        SaleStatus::Cancelled => ("cancelled", Style::Bad),
    }
}

/// How many cells are sold, and how many sold or held. What there is has at least a cell, where there is room.
fn cells(availability: &Availability) -> (usize, usize) {
    let Availability {
        capacity,
        sold,
        held,
        ..
    } = availability;
    let of = |count: i64| {
        let cells = i64::try_from(BAR_WIDTH)
            .unwrap_or(i64::MAX)
            .saturating_mul(count)
            / (*capacity).max(1);
        usize::try_from(cells).unwrap_or_default().min(BAR_WIDTH)
    };
    let sold_cells = of(*sold).max(usize::from(*sold > 0));
    let held_end = of(sold + held).max((sold_cells + usize::from(*held > 0)).min(BAR_WIDTH));
    (sold_cells, held_end)
}

fn bar(availability: &Availability, screen: &Screen) -> String {
    let (sold, committed) = cells(availability);
    let sold_part = screen.styled(Style::Good, &"█".repeat(sold));
    let held_part = screen.styled(Style::Warning, &"▒".repeat(committed - sold));
    let free_part = screen.styled(Style::Dim, &"░".repeat(BAR_WIDTH - committed));
    format!("{sold_part}{held_part}{free_part}")
}

/// What brings `text` to the right end of the bar, after `left`.
fn gap(left: &str, text: &str) -> String {
    " ".repeat(
        BAR_WIDTH
            .saturating_sub(left.chars().count() + text.chars().count())
            .max(1),
    )
}

fn right(left: &str, text: &str) -> String {
    format!("{}{text}", gap(left, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_full_when_and_only_when_nothing_is_available() {
        let of = |sold, held| {
            cells(&Availability {
                capacity: 1_000,
                sold,
                held,
                available: 1_000 - sold - held,
                ..Availability::default()
            })
        };
        assert_eq!(of(0, 0), (0, 0));
        assert_eq!(of(1, 1), (1, 2));
        assert_eq!(of(999, 0), (BAR_WIDTH - 1, BAR_WIDTH - 1));
        assert_eq!(of(999, 1), (BAR_WIDTH - 1, BAR_WIDTH));
        assert_eq!(of(1_000, 0), (BAR_WIDTH, BAR_WIDTH));
    }
}
