//! Finding events in a large table: what a page costs, whatever is asked for. The table is made by SQL; how many rows it
//! has, `ONSALE_TEST_AUDIT_ROWS` says (100,000 if nothing does; the numbers of record are those of 10,000,000).

mod table;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use onsale_shared::{event::EventType, log::Position};
use sqlx::{AssertSqlSafe, PgConnection};

use super::given::Given;
use crate::{
    queries::Page,
    read_models::audit::{Direction, Filter, LOOKS_MAX, explained, look},
};
use table::{both, filters, large, naive, reference, rows};

/// A row is at most so many buffers deep in its index, and as many in the table.
const BUFFERS_OF_A_LOOK: i64 = 5;
const PAGE: usize = 50;
/// Up to so many rows each answer is compared with that of a naive question, which reads all of them.
const COMPARED_ROWS: i64 = 1_000_000;

/// Nodes of a plan, each with what it reads.
fn nodes<'p>(plan: &'p serde_json::Value, found: &mut Vec<&'p serde_json::Value>) {
    found.push(plan);
    for below in plan["Plans"].as_array().into_iter().flatten() {
        nodes(below, found);
    }
}

fn number(node: &serde_json::Value, key: &str) -> i64 {
    node[key].as_i64().unwrap_or(0)
}

#[tokio::test]
async fn whatever_is_asked_for_a_page_costs_a_bounded_number_of_looks_into_the_right_indexes() {
    let mut given = Given::new().await;
    let mut session = large(&mut given).await;
    let page = Page {
        size: PAGE,
        after: None,
    };
    let filters = filters();
    let (mut asked, mut partial, mut most, mut slowest) = (0, 0, 0, Duration::ZERO);
    for (index, (column, left)) in filters.iter().enumerate() {
        for (other, right) in &filters[index..] {
            if column == other && left != right && !column.is_empty() {
                continue;
            }
            let filter = both(left, right);
            for direction in [Direction::Forwards, Direction::Backwards] {
                let what = format!("{filter:?}, {direction:?}");
                let began = Instant::now();
                let answer = look(&mut session, &filter, direction, None, &page).await;
                let answer = answer.expect(&what);
                slowest = slowest.max(began.elapsed());
                let is_partial = answer.next.is_some() && answer.rows.len() < PAGE;
                partial += usize::from(is_partial);
                if rows() <= COMPARED_ROWS {
                    let got = answer.rows.iter().map(|found| found.position.get());
                    let naive = AssertSqlSafe(naive(&filter, direction, PAGE));
                    let expected = sqlx::query_scalar(naive).fetch_all(&mut given.admin).await;
                    let expected: Vec<i64> = expected.unwrap();
                    let got: Vec<_> = got.collect();
                    // The work of one page has a limit; what there is of it is right.
                    assert!(expected.starts_with(&got), "{what}");
                    assert!(is_partial || got.len() == expected.len(), "{what}");
                }
                asked += 1;
                let Some(plan) = explained(&mut session, &filter, direction, &page).await else {
                    assert_eq!(answer.rows, [], "{what}");
                    continue;
                };
                let buffers = check(&plan, &[column, other], &what);
                most = most.max(buffers);
            }
        }
    }
    assert!(asked > 300, "{asked}");
    // Adverse ones are among them: two long lists that never meet. All others are whole.
    assert!((1..=8).contains(&partial), "{partial}");
    println!(
        "{asked} pages of {} rows: {partial} partial, at most {most} buffers and {slowest:?}",
        rows()
    );
    a_page_that_ends_early_says_where_the_next_one_goes_on(&mut session).await;
    drop(session);
    given.end().await;
}

/// Looks into no index but those of these columns, in order, and as often as it may; how many buffers that took.
fn check(plan: &str, columns: &[&str], what: &str) -> i64 {
    let plan: serde_json::Value = serde_json::from_str(plan).expect("JSON");
    let root = &plan[0]["Plan"];
    let mut all = Vec::new();
    nodes(root, &mut all);
    let mut allowed: BTreeSet<_> = columns
        .iter()
        .map(|column| format!("audit_{column}_idx"))
        .collect();
    // Rows by their positions, and causes by their ids.
    allowed.extend(["audit_pkey", "audit_event_id_idx"].map(str::to_owned));
    let mut looks = 0;
    for node in &all {
        let kind = node["Node Type"].as_str().unwrap_or_default();
        assert!(
            ![
                "Seq Scan",
                "Sort",
                "Bitmap Heap Scan",
                "Hash Join",
                "Merge Join"
            ]
            .contains(&kind),
            "{kind}: {what}"
        );
        if node["Relation Name"] == "audit" {
            let index = node["Index Name"].as_str().unwrap_or_default();
            assert!(allowed.contains(index), "{index}: {what}");
            assert!(!node["Index Cond"].is_null(), "{index} is walked: {what}");
            // Nothing is read to be thrown away.
            assert!(
                number(node, "Rows Removed by Filter") <= 1,
                "{index}: {what}"
            );
            assert!(number(node, "Actual Rows") <= 1, "{index}: {what}");
            // What asks for no position at all costs nothing.
            if number(node, "Shared Hit Blocks") + number(node, "Shared Read Blocks") > 0 {
                looks += number(node, "Actual Loops").min(i64::try_from(LOOKS_MAX).unwrap());
            }
        }
    }
    let most = i64::try_from(LOOKS_MAX + 4 * PAGE).unwrap();
    let buffers = number(root, "Shared Hit Blocks") + number(root, "Shared Read Blocks");
    let bound = looks.min(most) * BUFFERS_OF_A_LOOK + 100;
    assert!(buffers <= bound, "{buffers} buffers, {looks} looks: {what}");
    buffers
}

async fn a_page_that_ends_early_says_where_the_next_one_goes_on(session: &mut PgConnection) {
    // No claim was ever this shop's: two long lists that never meet.
    let never = Filter {
        kind: Some(EventType::TicketClaimed),
        actor: reference("shop-1"),
        ..Filter::default()
    };
    for direction in [Direction::Forwards, Direction::Backwards] {
        let mut page = Page {
            size: PAGE,
            after: None,
        };
        let mut pages = 0;
        loop {
            let answer = look(session, &never, direction, None, &page).await.unwrap();
            assert_eq!(answer.rows, []);
            let Some(next) = answer.next else { break };
            let moved = page
                .after
                .map(|after: Position| (next.get() - after.get()).abs());
            assert!(moved != Some(0), "every page is some of the way");
            page.after = Some(next);
            pages += 1;
        }
        // Each step of the walk takes two looks, and passes an event of either list.
        let all_of_them = rows() / i64::try_from(LOOKS_MAX).unwrap();
        assert!((all_of_them - 1..=all_of_them).contains(&pages), "{pages}");
    }
}
