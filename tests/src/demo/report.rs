//! The last page: what was sold, refused and why, what was sent again, how long it took, and what the log says of it.

use std::io;

use onsale_proto::reason::Reason;

use super::{
    checks::Check,
    line::DROPPED,
    log::{Prices, Repeats, Sales},
    memory::{self, Memory},
    options::Options,
    screen::{Screen, Style},
    tally::{Figures, percentile},
    text::{counted, grouped, milliseconds, money, wrapped},
    watch::View,
};

/// What there is to report.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) options: &'a Options,
    pub(super) figures: &'a Figures,
    pub(super) view: &'a View,
    pub(super) sales: Sales,
    pub(super) prices: Prices,
    pub(super) repeats: Repeats,
    pub(super) checks: &'a [Check],
}

impl Report<'_> {
    /// Prints it.
    pub(super) fn print(&self, screen: &Screen) -> io::Result<()> {
        let sections = [
            ("What became of the tickets", self.tickets()),
            ("What became of the customers", self.customers()),
            ("What was refused, and why", self.refusals()),
            (
                "What was sent again, with the same request_id",
                self.repeats(),
            ),
            (
                "How long commands took, from call to answer",
                self.latencies(),
            ),
            ("Memory", self.memory()),
        ];
        for (title, lines) in sections {
            screen.say(&format!("\n{}", screen.styled(Style::Bold, title)))?;
            for line in lines {
                screen.say(&line)?;
            }
        }
        screen.say(&format!(
            "\n{}",
            screen.styled(Style::Bold, "What the log says, asked in SQL")
        ))?;
        for check in self.checks {
            let (mark, style) = if check.holds {
                ("✓", Style::Good)
            } else {
                ("✗", Style::Bad)
            };
            let text = wrapped("  ✓ ", &check.text);
            screen.say(&text.replacen('✓', &screen.styled(style, mark), 1))?;
        }
        Ok(())
    }

    fn tickets(&self) -> Vec<String> {
        let Sales {
            sold,
            expired,
            given_back,
            peak,
            ..
        } = self.sales;
        vec![
            row(
                sold,
                &format!(
                    "sold, of {}; at the peak {} within a second",
                    grouped(self.options.tickets),
                    grouped(peak)
                ),
            ),
            row(expired, "returned when their claims expired"),
            row(given_back, "given back by their customers"),
            format!(
                "{:>9} EUR taken in, at {} to {} EUR a ticket",
                money(self.prices.revenue),
                money(self.prices.lowest),
                money(self.prices.highest)
            ),
        ]
    }

    fn customers(&self) -> Vec<String> {
        self.figures
            .endings
            .iter()
            .map(|(ending, count)| row(*count, ending.text()))
            .collect()
    }

    fn refusals(&self) -> Vec<String> {
        let meaning = |name: &str| {
            let known = Reason::ALL.iter().find(|reason| reason.as_str() == name);
            known.map_or("", |reason| reason.meaning())
        };
        let refusals = self.figures.refusals.iter();
        let mut lines: Vec<_> = refusals
            .map(|(name, count)| wrapped(&format!("{} {name:<26} ", column(*count)), meaning(name)))
            .collect();
        if lines.is_empty() {
            lines.push(row(0, "refusals"));
        }
        lines
    }

    fn repeats(&self) -> Vec<String> {
        let attempts = &self.figures.unanswered_attempts;
        let mut lines: Vec<_> = attempts
            .iter()
            .map(|(cause, count)| row(*count, &unanswered(cause)))
            .collect();
        lines.push(row(
            self.repeats.by_first,
            "repeats got the answer of their first attempt, which was in the log",
        ));
        lines.push(row(
            self.repeats.by_later,
            "repeats did what their first attempt had not done",
        ));
        let resumed = self.view.streams.saturating_sub(1);
        if resumed > 0 {
            lines.push(row(
                resumed,
                "new streams of the live view, each from where the last one broke off",
            ));
        }
        lines
    }

    fn latencies(&self) -> Vec<String> {
        let mut all = Vec::new();
        let mut lines = vec![format!(
            "  {:<18}{:>10}{:>12}{:>12}{:>12}",
            "", "answers", "p50", "p99", "longest"
        )];
        for (command, latencies) in &self.figures.latencies {
            lines.push(latency(command, latencies));
            all.extend_from_slice(latencies);
        }
        lines.push(latency("all", &all));
        lines
    }

    fn memory(&self) -> Vec<String> {
        let services = [
            ("command-service", &self.options.command_address),
            ("query-service", &self.options.query_address),
        ];
        services
            .iter()
            .map(|(name, address)| memory_line(name, memory::of_service(name, address)))
            .collect()
    }
}

fn column(count: impl Into<i128>) -> String {
    format!("{:>9}", grouped(count))
}

fn row(count: impl Into<i128>, text: &str) -> String {
    format!("{} {text}", column(count))
}

fn unanswered(cause: &str) -> String {
    if cause == DROPPED {
        "calls were dropped by their customers in the middle".to_owned()
    } else {
        format!("attempts ended without an answer: {cause}")
    }
}

fn latency(command: &str, latencies: &[u32]) -> String {
    let mut sorted = latencies.to_vec();
    sorted.sort_unstable();
    let [p50, p99, longest] = [500, 990, 1_000].map(|rank| milliseconds(percentile(&sorted, rank)));
    format!(
        "  {command:<18}{:>10}{p50:>12}{p99:>12}{longest:>12}",
        counted_answers(&sorted)
    )
}

fn counted_answers(latencies: &[u32]) -> String {
    grouped(i128::try_from(latencies.len()).unwrap_or_default())
}

fn memory_line(name: &str, memory: Option<Memory>) -> String {
    match memory {
        Some(memory) => format!(
            "  {name:<18}{} resident, at most {}",
            megabytes(memory.now),
            megabytes(memory.peak)
        ),
        None => format!("  {name:<18}not measured: no such process on this machine"),
    }
}

fn megabytes(kilobytes: u64) -> String {
    format!(
        "{}.{} MB",
        kilobytes / 1_024,
        kilobytes % 1_024 * 10 / 1_024
    )
}

/// The last line.
pub(super) fn verdict(checks: &[Check], screen: &Screen) -> String {
    let failed = checks.iter().filter(|check| !check.holds).count();
    if failed == 0 {
        screen.styled(
            Style::Good,
            "Nothing was oversold, and nothing that was acknowledged is missing.",
        )
    } else {
        let failed = counted(i128::try_from(failed).unwrap_or_default(), "check");
        screen.styled(Style::Bad, &format!("{failed} failed: see ✗ above."))
    }
}
