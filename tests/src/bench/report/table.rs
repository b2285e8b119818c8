//! Everything as Markdown.

use std::fmt::{self, Write as _};

use super::{Findings, Report, Row, figures::millis, targets::Target};
use crate::bench::engines::Engine;

/// The whole report.
///
/// # Errors
/// None in practice: it is written into memory.
pub fn markdown(report: &Report) -> Result<String, fmt::Error> {
    let mut text = String::new();
    writeln!(text, "# Results\n")?;
    writeln!(
        text,
        "Written by `make bench`; [how to read it](../benchmarks.md).\n"
    )?;
    writeln!(text, "{}.\n", report.machine.sentence())?;
    let settings = report.machine.postgres.iter();
    let settings: Vec<_> = settings
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    writeln!(text, "PostgreSQL: {}.\n", settings.join(", "))?;
    let (rounds, timing) = (report.settings.rounds, report.settings.timing());
    writeln!(
        text,
        "{rounds} rounds of {:?} after {:?} of warm-up; {} requests in flight over {} connections, unless a scenario says otherwise.\n",
        timing.span, timing.warm_up, report.settings.in_flight, report.settings.connections
    )?;
    write_targets(&mut text, &report.targets)?;
    write_rows(&mut text, &report.findings)?;
    write_notes(&mut text, &report.findings)?;
    Ok(text)
}

fn write_targets(text: &mut String, targets: &[Target]) -> fmt::Result {
    writeln!(text, "## Numbers to reach\n")?;
    writeln!(text, "| | bound | measured | |\n|---|---:|---:|---|")?;
    for target in targets {
        let sign = if target.at_most { "≤" } else { "≥" };
        let value = target
            .value
            .map_or_else(String::new, |value| format!("{value:.2}"));
        let reached = match target.reached {
            Some(true) => "reached",
            Some(false) => "**not reached**",
            None => "not measured",
        };
        let (name, bound) = (target.name, target.bound);
        writeln!(text, "| {name} | {sign} {bound} | {value} | {reached} |")?;
    }
    writeln!(text)
}

fn write_rows(text: &mut String, findings: &Findings) -> fmt::Result {
    writeln!(text, "## Loads\n")?;
    writeln!(
        text,
        "| scenario | engine | answers/s | × naive | × echo | p50 ms | p99 ms | p99.9 ms | answers/commit | \
         CPU ms/1,000: engine | PostgreSQL | generator | WAL bytes/answer | other answers | dropped |"
    )?;
    writeln!(
        text,
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )?;
    for row in &findings.rows {
        write_row(text, findings, row)?;
    }
    writeln!(text)
}

fn write_row(text: &mut String, findings: &Findings, row: &Row) -> fmt::Result {
    let figures = &row.median;
    let times = |other: Engine| {
        let other = findings.figures(row.scenario, other.name());
        let ratio = other.and_then(|other| figures.ratio(other));
        number(ratio, 2)
    };
    let millis_of_cpu = |seconds: Option<f64>| number(seconds.map(to_millis), 1);
    let [p50, p99, p999] = [figures.p50_us, figures.p99_us, figures.p999_us].map(millis);
    writeln!(
        text,
        "| {} | {} | {} | {} | {} | {p50} | {p99} | {p999} | {} | {} | {} | {} | {} | {} | {} |",
        row.scenario.name(),
        row.engine,
        figures.per_second,
        times(Engine::NaiveAtomicUpdate),
        times(Engine::Echo),
        number(figures.answers_per_commit, 1),
        millis_of_cpu(figures.engine_cpu),
        millis_of_cpu(figures.postgres_cpu),
        millis_of_cpu(figures.generator_cpu),
        number(figures.wal_bytes, 0),
        figures.unexpected,
        figures.dropped,
    )
}

fn write_notes(text: &mut String, findings: &Findings) -> fmt::Result {
    if findings.notes.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Single numbers\n")?;
    writeln!(text, "| scenario | | |\n|---|---|---:|")?;
    for note in &findings.notes {
        let (scenario, name) = (note.scenario.name(), &note.name);
        writeln!(
            text,
            "| {scenario} | {name} | {} {} |",
            note.value, note.unit
        )?;
    }
    Ok(())
}

#[expect(clippy::float_arithmetic, reason = "a figure for people")]
fn to_millis(seconds: f64) -> f64 {
    seconds * 1_000.0
}

fn number(figure: Option<f64>, digits: usize) -> String {
    figure.map_or_else(String::new, |figure| format!("{figure:.digits$}"))
}
