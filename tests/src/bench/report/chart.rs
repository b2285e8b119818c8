//! The rates of the scenarios in which engines compete, as bars, in SVG.

use std::fmt::{self, Write as _};

use super::{Report, Row};
use crate::bench::{engines::Engine, scenarios::Scenario};

/// All lengths are in pixels.
const WIDTH: u64 = 860;
const LABEL_WIDTH: u64 = 190;
const BAR_MAX: u64 = 540;
const BAR_HEIGHT: u64 = 20;
const BAR_GAP: u64 = 6;
const GROUP_GAP: u64 = 26;
const TOP: u64 = 84;
const BOTTOM: u64 = 24;

/// What is shown, in this order.
const GROUPS: [(Scenario, &str); 4] = [
    (Scenario::HotClaim, "Claims from one hot pool"),
    (Scenario::HotPurchase, "Purchases from one hot pool"),
    (Scenario::ManyPools, "Claims from 1,000 pools (Zipf)"),
    (Scenario::SoldOut, "Requests for a pool that is sold out"),
];

/// The chart.
///
/// # Errors
/// None in practice: it is written into memory.
pub fn svg(report: &Report) -> Result<String, fmt::Error> {
    let groups: Vec<_> = GROUPS
        .iter()
        .map(|(scenario, title)| (*title, rows(report, *scenario)))
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    let most = groups
        .iter()
        .flat_map(|(_, rows)| rows.iter().map(|row| row.median.per_second))
        .max()
        .unwrap_or(0)
        .max(1);
    let mut body = String::new();
    let mut y = TOP;
    for (title, rows) in &groups {
        writeln!(body, r#"<text class="group" x="24" y="{y}">{title}</text>"#)?;
        y += 12;
        for row in rows {
            bar(&mut body, row, y, most)?;
            y += BAR_HEIGHT + BAR_GAP;
        }
        y += GROUP_GAP;
    }
    let height = y + BOTTOM;
    let in_flight = report.settings.in_flight;
    let machine = &report.machine;
    let mut text = String::new();
    writeln!(
        text,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Answers per second of each engine">
<style>
text {{ font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2933; }}
.title {{ font-size: 19px; font-weight: 600; }}
.group {{ font-weight: 600; }}
.small {{ fill: #616e7c; font-size: 12px; }}
</style>
<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>
<text class="title" x="24" y="34">Answers per second, {in_flight} requests in flight</text>
<text class="small" x="24" y="55">{}, {} cores shared by load generator, engine and PostgreSQL (fsync {})</text>"##,
        escaped(&machine.date),
        machine.cores,
        escaped(machine.setting("fsync")),
    )?;
    text.push_str(&body);
    text.push_str("</svg>\n");
    Ok(text)
}

fn rows(report: &Report, scenario: Scenario) -> Vec<&Row> {
    let rows = report.findings.rows.iter();
    rows.filter(|row| row.scenario == scenario).collect()
}

fn bar(body: &mut String, row: &Row, y: u64, most: u64) -> fmt::Result {
    let rate = row.median.per_second;
    let length = (rate * BAR_MAX / most).max(1);
    let middle = y + BAR_HEIGHT * 7 / 10;
    let (label_end, start) = (LABEL_WIDTH - 10, LABEL_WIDTH);
    let colour = match row.engine.as_str() {
        ours if ours.starts_with(Engine::Onsale.name()) => "#d9480f",
        echo if echo == Engine::Echo.name() => "#cbd2d9",
        _ => "#7b8794",
    };
    writeln!(
        body,
        r#"<text x="{label_end}" y="{middle}" text-anchor="end">{}</text>"#,
        escaped(&row.engine)
    )?;
    writeln!(
        body,
        r#"<rect x="{start}" y="{y}" width="{length}" height="{BAR_HEIGHT}" rx="2" fill="{colour}"/>"#
    )?;
    writeln!(
        body,
        r#"<text x="{}" y="{middle}">{}</text>"#,
        start + length + 8,
        grouped(rate)
    )
}

/// With a comma after each thousand.
fn grouped(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1_000), number % 1_000),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{escaped, grouped};

    #[test]
    fn numbers_and_texts_are_written_for_people_and_for_xml() {
        let written = [0, 999, 1_000, 40_017, 1_234_567].map(grouped);
        assert_eq!(written, ["0", "999", "1,000", "40,017", "1,234,567"]);
        assert_eq!(escaped("a < b & c"), "a &lt; b &amp; c");
    }
}
