use crate::pricing::{
    Clamp, Demand, DemandBasis, Interpolation, Pricing,
    testing::{SHOW, before, demand_steps, fixed, minor, sold, time_steps},
};

fn concert() -> Pricing {
    let mut rule = fixed("EUR", 4_999);
    rule.demand_steps = demand_steps(&[(10, 500), (50, 1_225)]);
    rule.time_steps = time_steps(&[(30 * 86_400, -500), (0, -1_000)]);
    rule
}

fn text(rule: &Pricing, demand: Demand, seconds_before: i64) -> String {
    let quote = rule.quote(demand, before(seconds_before), Some(SHOW));
    quote.explanation.to_string()
}

#[test]
fn a_fixed_price_is_explained_by_itself() {
    let rule = fixed("EUR", 4_999);
    assert_eq!(text(&rule, sold(1, 2), 60), "base 49.99 EUR");
}

#[test]
fn a_price_is_explained_in_one_sentence() {
    let mut rule = concert();
    rule.floor_price = minor(3_000);
    assert_eq!(
        text(&rule, sold(498, 1_000), 30 * 86_400),
        "base 49.99 EUR, +5 % at 49.8 % sold, −5 % 30 days before the show, floor not reached, \
         next change at 2 more sold (53.61 EUR) or at 2026-12-01T18:00:00Z (47.49 EUR)"
    );
}

#[test]
fn a_line_is_explained_in_hundredths_of_a_percent() {
    let mut rule = concert();
    rule.interpolation = Interpolation::Linear;
    rule.demand_basis = DemandBasis::Committed;
    rule.cap_price = Some(minor(9_000));
    let demand = Demand {
        capacity: 3_000,
        sold: 500,
        held: 251,
    };
    // 500 + 725 * 15.0333 / 40 = 772.479 basis points; -500 - 500 / 3 = -666.67 basis points
    assert_eq!(
        text(&rule, demand, 20 * 86_400),
        "base 49.99 EUR, +7.72 % at 25.03 % committed, −6.67 % 20 days before the show, cap not reached, \
         next change at 3 more committed (50.53 EUR) or at 2026-11-11T19:08:24Z (50.51 EUR)"
    );
}

#[test]
fn a_price_at_a_limit_says_so() {
    let mut rule = concert();
    rule.floor_price = minor(4_800);
    rule.cap_price = Some(minor(5_100));
    assert_eq!(
        text(&rule, sold(0, 100), 0),
        "base 49.99 EUR, +0 % at 0 % sold, −10 % at the show, at the floor of 48.00 EUR, \
         next change at 50 more sold (51.00 EUR)"
    );
    rule.time_steps.clear();
    assert_eq!(
        text(&rule, sold(50, 100), 0),
        "base 49.99 EUR, +12.25 % at 50 % sold, at the cap of 51.00 EUR"
    );
    assert_eq!(
        text(&rule, sold(0, 100), 0),
        "base 49.99 EUR, +0 % at 0 % sold, floor and cap not reached, next change at 10 more sold (51.00 EUR)"
    );
}

#[test]
fn a_price_that_comes_to_a_limit_by_itself_is_at_it() {
    let clamp = |floor, cap| {
        let mut rule = fixed("EUR", 4_999);
        rule.floor_price = minor(floor);
        rule.cap_price = Some(minor(cap));
        rule.quote(sold(0, 1), SHOW, None).explanation.clamp
    };
    assert_eq!(clamp(4_999, 5_000), Some(Clamp::Floor));
    assert_eq!(clamp(4_998, 4_999), Some(Clamp::Cap));
    assert_eq!(clamp(4_998, 5_000), None);
    assert_eq!(
        fixed("EUR", 0)
            .quote(sold(0, 1), SHOW, None)
            .explanation
            .clamp,
        None
    );
}

#[test]
fn spans_are_told_in_the_largest_unit() {
    let rule = concert();
    let span = |seconds| {
        let quote = rule.quote(sold(0, 1), before(seconds), Some(SHOW));
        quote.explanation.time.unwrap().to_string()
    };
    assert_eq!(span(31 * 86_400), "+0 % 31 days before the show");
    assert_eq!(span(2 * 86_400 - 1), "−5 % 1 day before the show");
    assert_eq!(span(86_399), "−5 % 23 hours before the show");
    assert_eq!(span(3_599), "−5 % 59 minutes before the show");
    assert_eq!(span(59), "−5 % 59 seconds before the show");
    assert_eq!(span(1), "−5 % 1 second before the show");
    assert_eq!(span(0), "−10 % at the show");
    assert_eq!(span(-1), "−10 % after the show");
}
