//! The price tables of `docs/rules.md`, computed: each JSON block is a price rule as callers send it, and the table after
//! it says what a ticket costs; a quoted sentence is how the last line of the table explains itself.

use std::time::Duration;

use onsale_shared::{
    money::{Amount, Currency},
    pricing::{Demand, DemandBasis, DemandStep, Interpolation, Pricing, TimeStep},
    time::Timestamp,
};
use serde_json::Value;

use super::repository;

const SHOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// A table's line: tickets sold, days to the show, the price as text.
type Line = (u32, Option<i64>, String);

/// A rule with its table.
struct Example {
    rule: Pricing,
    capacity: u32,
    lines: Vec<Line>,
    explanation: Option<String>,
}

fn amount(money: &Value) -> Amount {
    let currency = Currency::parse(money["currency_code"].as_str().expect("a code"));
    let units = money["units"].as_i64().expect("units");
    let nanos = money["nanos"].as_i64().unwrap_or(0);
    let nanos = i32::try_from(nanos).expect("nanos");
    Amount::from_units(currency.expect("a currency"), units, nanos).expect("an amount")
}

fn steps<T>(rule: &Value, field: &str, read: impl Fn(&Value) -> T) -> Vec<T> {
    let steps = rule[field].as_array();
    steps.into_iter().flatten().map(read).collect()
}

fn number<T: TryFrom<i64>>(value: &Value) -> T {
    let number = value.as_i64().and_then(|number| T::try_from(number).ok());
    number.unwrap_or_else(|| panic!("{value} is no number that fits"))
}

/// A price rule as protobuf's JSON has it.
fn rule(json: &str) -> Pricing {
    let rule: Value = serde_json::from_str(json).expect("JSON");
    let minor = |field: &str| rule.get(field).map(|money| amount(money).minor);
    let seconds = |span: &Value| {
        let text = span.as_str().and_then(|text| text.strip_suffix('s'));
        text.and_then(|text| text.parse().ok()).expect("seconds")
    };
    Pricing {
        floor_price: minor("floor_price").unwrap_or_default(),
        cap_price: minor("cap_price"),
        demand_steps: steps(&rule, "demand_steps", |step| DemandStep {
            sold_percent: number(&step["sold_percent"]),
            change_basis_points: number(&step["change_basis_points"]),
        }),
        demand_basis: DemandBasis::Sold,
        time_steps: steps(&rule, "time_steps", |step| TimeStep {
            before_show: Duration::from_secs(seconds(&step["before_show"])),
            change_basis_points: number(&step["change_basis_points"]),
        }),
        interpolation: match rule.get("interpolation").and_then(Value::as_str) {
            None => Interpolation::Step,
            Some("INTERPOLATION_LINEAR") => Interpolation::Linear,
            Some(other) => panic!("{other} is no interpolation"),
        },
        ..Pricing::fixed(amount(&rule["base_price"]))
    }
}

fn cells(line: &str) -> Vec<&str> {
    let inside = line.trim().trim_matches('|');
    inside.split('|').map(str::trim).collect()
}

fn example(block: &str) -> Example {
    let (json, rest) = block.split_once("```").expect("the end of the rule");
    let mut table = rest
        .lines()
        .skip_while(|line| !line.starts_with("| Sold, of "));
    let head = cells(table.next().expect("a table"));
    let capacity = head[0].trim_start_matches("Sold, of ").replace(',', "");
    let rows = table
        .clone()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    let lines = rows.map(|row| {
        let row = cells(row);
        let days = row[1]
            .strip_suffix(" days")
            .map(|days| days.replace('–', "-"));
        let days = days.map(|days| days.parse().expect("a number of days"));
        assert!(days.is_some() || row[1] == "–", "{row:?}");
        (row[0].parse().expect("a number"), days, row[2].to_owned())
    });
    let after = table.skip_while(|line| line.starts_with('|'));
    let explanation = after
        .take_while(|line| !line.starts_with('#'))
        .find_map(|line| {
            let quoted = line.strip_prefix("> ")?;
            Some(quoted.to_owned())
        });
    Example {
        rule: rule(json),
        capacity: capacity.parse().expect("a capacity"),
        lines: lines.collect(),
        explanation,
    }
}

#[test]
fn every_price_in_the_rules_is_what_a_ticket_costs() {
    let text = repository::read("docs/rules.md");
    let examples: Vec<_> = text.split("```json").skip(1).map(example).collect();
    assert!(
        examples.len() >= 7,
        "only {} rules are read",
        examples.len()
    );
    for Example {
        rule,
        capacity,
        lines,
        explanation,
    } in &examples
    {
        assert_eq!(rule.violations(true), [], "{rule:?}");
        assert!(!lines.is_empty(), "{rule:?} has no table");
        let mut said = String::new();
        for (sold, days, price) in lines {
            let demand = Demand {
                capacity: *capacity,
                sold: *sold,
                held: 0,
            };
            let seconds = days.unwrap_or(0) * 24 * 60 * 60;
            let at = Timestamp::from_micros(SHOW.as_micros() - seconds * 1_000_000);
            let show_time = days.map(|_| SHOW);
            let quote = rule.quote(demand, at, show_time);
            assert_eq!(
                quote.unit_price.to_string(),
                *price,
                "{sold} sold, {days:?}: {rule:?}"
            );
            assert_eq!(quote.unit_price, rule.unit_price(demand, at, show_time));
            said = quote.explanation.to_string();
        }
        if let Some(explanation) = explanation {
            assert_eq!(said, *explanation);
        }
    }
    let explained = examples.iter().filter(|one| one.explanation.is_some());
    assert!(explained.count() >= 4, "explanations are not read");
}
