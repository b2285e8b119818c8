//! The schema `reporting`, as somebody with SQL sees it.

use onsale_proto::v1;
use onsale_shared::money::Currency;
use onsale_tests::{
    caller::{a_pool, grant_request, refund_request},
    system::System,
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::{
    db::Db,
    sales::{of_pool, report},
    story::Story,
};

const VIEWS: [&str; 5] = ["audit", "claims_funnel", "price_log", "sales", "tickets"];

/// The questions of docs/reporting.md.
fn questions() -> Vec<&'static str> {
    let document = include_str!("../../../docs/reporting.md");
    let blocks = document.split("```sql\n").skip(1);
    blocks
        .filter_map(|block| block.split("```").next())
        .collect()
}

/// A session with the rights of a report engine and no others.
async fn engine(system: &System) -> PgConnection {
    let mut engine = system.database.admin().await;
    sqlx::raw_sql("SET ROLE onsale_reporting")
        .execute(&mut engine)
        .await
        .unwrap();
    engine
}

async fn rows(engine: &mut PgConnection, sql: &str) -> Vec<sqlx::postgres::PgRow> {
    let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .fetch_all(engine)
        .await;
    rows.unwrap_or_else(|error| unreachable!("{error}: {sql}"))
}

#[tokio::test]
async fn every_question_of_the_document_is_answered_to_who_may_only_read() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let pool = v1::Pool {
        show: "faust".into(),
        promoter: "acme".into(),
        ..a_pool(100)
    };
    caller.create("opening-night", pool).await.unwrap();
    let bought = caller
        .purchase("opening-night", "c-1", 3)
        .await
        .unwrap()
        .claim
        .unwrap();
    let claim = caller.claim("opening-night", "c-2", 2).await.unwrap();
    caller.release(&claim.name).await.unwrap();
    let refund = refund_request(&bought.tickets[..1]);
    caller.commands.refund_tickets(refund).await.unwrap();
    let grant = grant_request("opening-night", "c-3", 1);
    caller.commands.grant_tickets(grant).await.unwrap();
    caller
        .stop_sales("opening-night", v1::StopMode::FinishClaims)
        .await
        .unwrap();
    projected(&system).await;

    let mut engine = engine(&system).await;
    let questions = questions();
    assert!(questions.len() >= 5, "{}", questions.len());
    for question in questions {
        assert!(!rows(&mut engine, question).await.is_empty(), "{question}");
    }
    let sums = rows(
        &mut engine,
        "SELECT sum(tickets)::text, sum(granted_tickets)::text, sum(revenue)::text, sum(refunds)::text, min(currency), \
                min(promoter) FROM reporting.sales WHERE show = 'faust'",
    )
    .await;
    let told: Vec<String> = (0..6).map(|at| sums[0].get(at)).collect();
    assert_eq!(told, ["3", "1", "149.97", "49.99", "EUR", "acme"]);
    let funnel = rows(
        &mut engine,
        "SELECT concat_ws(' ', sum(claims), sum(tickets_claimed), sum(tickets_bought), sum(tickets_refunded), \
                               sum(tickets_returned)) FROM reporting.claims_funnel WHERE pool = 'opening-night'",
    )
    .await;
    assert_eq!(funnel[0].get::<String, _>(0), "2 5 3 1 2");
    let prices = rows(
        &mut engine,
        "SELECT cause, new_unit_price::text FROM reporting.price_log",
    )
    .await;
    let told: Vec<(String, String)> = prices.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(told, [("CREATED".to_owned(), "49.99".to_owned())]);
    let events = rows(&mut engine, "SELECT count(*) FROM reporting.audit").await;
    assert_eq!(
        events[0].get::<i64, _>(0),
        Db::of(&system.database).await.head().await
    );
}

/// Waits until all projections include the log.
async fn projected(system: &System) {
    let db = Db::of(&system.database).await;
    let head = db.head().await;
    onsale_tests::wait::eventually(super::db::LIMIT, "the tables include the log", || async {
        let behind = format!(
            "SELECT count(*) FROM onsale_query.generations WHERE state = 'live' AND position < {head}"
        );
        (db.number(&behind).await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_may_read_reports_may_nothing_else() {
    let system = System::start().await;
    let mut engine = engine(&system).await;
    for refused in [
        "SELECT * FROM onsale_log.events",
        "SELECT * FROM onsale_log.event_origins",
        "SELECT * FROM onsale_read.sales",
        "SELECT * FROM onsale_query.generations",
        "DELETE FROM reporting.audit",
        "UPDATE reporting.audit SET actor = 'me'",
        "INSERT INTO reporting.audit (position) VALUES (1)",
        "CREATE TABLE reporting.mine (a int)",
    ] {
        let error = sqlx::raw_sql(refused)
            .execute(&mut engine)
            .await
            .unwrap_err();
        let code = error.as_database_error().and_then(|error| error.code());
        assert_eq!(code.as_deref(), Some("42501"), "{refused}: {error}");
    }
}

#[tokio::test]
async fn every_view_and_column_says_what_it_means() {
    let system = System::start().await;
    let mut admin = system.database.admin().await;
    let views: Vec<String> = sqlx::query_scalar(
        "SELECT viewname::text FROM pg_views WHERE schemaname = 'reporting' ORDER BY 1",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert_eq!(views, VIEWS);
    let silent: Vec<String> = sqlx::query_scalar(
        "SELECT concat_ws('.', c.relname, a.attname) FROM pg_class c \
           JOIN (SELECT attrelid, attnum, attname FROM pg_attribute WHERE attnum > 0 \
                 UNION ALL SELECT oid, 0, NULL FROM pg_class) a ON a.attrelid = c.oid \
           LEFT JOIN pg_description d ON d.objoid = c.oid AND d.objsubid = a.attnum \
          WHERE c.relnamespace = 'reporting'::regnamespace AND coalesce(d.description, '') = ''",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert_eq!(silent, [""; 0]);
}

#[tokio::test]
async fn amounts_have_the_decimals_of_their_currency() {
    let system = System::start().await;
    let mut engine = engine(&system).await;
    let letter = || 'A'..='Z';
    let all = letter().flat_map(|a| letter().map(move |b| [a, b]));
    let all = all.flat_map(|[a, b]| letter().map(move |c| String::from_iter([a, b, c])));
    let currencies: Vec<_> = all.filter_map(|code| Currency::parse(&code).ok()).collect();
    let codes: Vec<_> = currencies.iter().map(|currency| currency.code()).collect();
    let units: Vec<(String, String)> = sqlx::query_as(
        "SELECT reporting.in_units(4999, code)::text, reporting.in_units(-5, code)::text \
           FROM unnest($1::text[]) WITH ORDINALITY AS c (code, at) ORDER BY at",
    )
    .bind(&codes)
    .fetch_all(&mut engine)
    .await
    .unwrap();
    assert!(codes.len() > 150, "{}", codes.len());
    for (currency, (price, below)) in currencies.iter().zip(&units) {
        let expected = match currency.decimals() {
            0 => ("4999", "-5"),
            2 => ("49.99", "-0.05"),
            3 => ("4.999", "-0.005"),
            other => unreachable!("{currency} has {other} decimals"),
        };
        assert_eq!((&**price, &**below), expected, "{currency}");
    }
    let unknown = rows(
        &mut engine,
        "SELECT reporting.in_units(4999, NULL) IS NULL, reporting.in_units(NULL, 'EUR') IS NULL",
    )
    .await;
    assert!(unknown[0].get::<bool, _>(0) && unknown[0].get::<bool, _>(1));
}

/// Two tickets that expired, of which one was paid two hours after they were claimed.
#[tokio::test]
async fn a_late_purchase_counts_once_in_the_hour_of_its_claim() {
    let system = System::start().await;
    let [claim, kept, lost, late] = std::array::from_fn(|_| uuid::Uuid::new_v4());
    let of = |ticket, more: &str| {
        format!(
            r#"{{"claim":"{claim}","ticket":"{ticket}","customer":"c","unit_price":1000,
                "expire_time":"2026-01-05T11:08:20Z"{more}}}"#
        )
    };
    let mut story = Story::of(
        "late",
        10,
        r#"{"currency":"EUR","base_price":1000}"#,
        r#","late_purchase_window_ms":7200000"#,
    );
    for ticket in [kept, lost] {
        story.event(3_500, "TicketClaimed", &of(ticket, ""));
    }
    for ticket in [kept, lost] {
        story.event(
            4_200,
            "TicketReleased",
            &of(ticket, r#","cause":"EXPIRED""#),
        );
    }
    let replaces = format!(r#","replaces":"{kept}""#);
    story
        .event(10_700, "TicketClaimed", &of(late, &replaces))
        .event(10_700, "TicketBought", &of(late, ""));
    story.record(&system.database).await;
    projected(&system).await;
    let mut engine = engine(&system).await;
    let funnel = rows(
        &mut engine,
        "SELECT concat_ws(' ', hour AT TIME ZONE 'UTC', claims, tickets_claimed, tickets_bought, tickets_expired, \
                          tickets_held, seconds_to_buy) FROM reporting.claims_funnel WHERE pool = 'late' ORDER BY hour",
    )
    .await;
    let told: Vec<String> = funnel.iter().map(|row| row.get(0)).collect();
    assert_eq!(told, ["2026-01-05 10:00:00 1 2 1 1 0 7200.000"]);
}

/// A price that moves with each sale and with time, over more versions than one that is kept.
fn moving(pool: &str, interpolation: &str) -> Story {
    let pricing = format!(
        r#"{{"currency":"EUR","base_price":10000,"interpolation":"{interpolation}",
             "demand_steps":[{{"sold_percent":0,"change_basis_points":0}},{{"sold_percent":90,"change_basis_points":90000}}],
             "time_steps":[{{"before_show_s":9000,"change_basis_points":-1000}},{{"before_show_s":900,"change_basis_points":-5000}}]}}"#
    );
    let mut story = Story::of(
        pool,
        600,
        &pricing,
        r#","show_time":"2026-01-05T13:00:00Z""#,
    );
    for sale in 0..540 {
        story.sale(sale * 20, 10_000 + sale);
        if sale % 5 == 4 {
            story.refund(sale * 20 + 7, 3);
        }
    }
    story
}

#[tokio::test]
async fn reports_survive_a_rebuild() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    caller.create_pool("one", 10).await.unwrap();
    let sold = caller.purchase("one", "c", 2).await.unwrap();
    let token = sold.receipt.unwrap().consistency_token;
    let before = report(&mut caller, of_pool("one"), true, &token)
        .await
        .unwrap();
    for (pool, interpolation) in [("stepped", "STEP"), ("sloped", "LINEAR")] {
        moving(pool, interpolation).record(&system.database).await;
    }
    // Somebody has built a view of his own on top.
    let mut admin = system.database.admin().await;
    let mine = "CREATE VIEW public.mine AS SELECT sum(tickets) FROM reporting.sales";
    sqlx::raw_sql(mine).execute(&mut admin).await.unwrap();
    for projection in ["sales", "history"] {
        let options = onsale_query_service::RebuildOptions::default();
        onsale_query_service::rebuild(system.database.url(), projection, options)
            .await
            .unwrap_or_else(|error| unreachable!("{projection}: {error:?}"));
    }
    let generation = "SELECT max(generation) FROM onsale_query.generations WHERE projection = 'sales' AND state = 'live'";
    let generation: i32 = sqlx::query_scalar(generation)
        .fetch_one(&mut admin)
        .await
        .unwrap();
    assert!(generation > 1);
    let token = caller
        .purchase("one", "c", 1)
        .await
        .unwrap()
        .receipt
        .unwrap()
        .consistency_token;
    let after = report(&mut caller, of_pool("one"), true, &token)
        .await
        .unwrap();
    assert_eq!(before.totals[0].tickets + 1, after.totals[0].tickets);
    let mut engine = engine(&system).await;
    let told = rows(
        &mut engine,
        "SELECT sum(tickets)::bigint FROM reporting.sales WHERE pool = 'one'",
    )
    .await;
    assert_eq!(told[0].get::<i64, _>(0), 3);
    let mine = rows(&mut admin, "SELECT * FROM public.mine").await;
    assert_eq!(mine.len(), 1);
    engine.close().await.unwrap();
}
