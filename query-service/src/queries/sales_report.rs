//! What was sold and refunded in spans of time: of a pool, a promoter's pools or a show's.

use std::{collections::BTreeMap, sync::Arc};

use onsale_shared::{id::PoolId, log::Position, money::Currency, text::Reference};

use super::{Freshness, Page, Queries, QueryError, WrongField};
use crate::{
    pool::Pool,
    projections::sales::{SALES, Sums},
    read_models::{
        pools::PoolFilter,
        sales_report::{self, Line, Seller, Span},
    },
};

/// The most pools of one report.
const POOLS_MAX: usize = 10_000;
/// The most sums of one report: a few for each bucket, or each price of a bucket.
const LINES_MAX: usize = 10_000;

/// Whose sales.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Pool(PoolId),
    Promoter(Reference),
    Show(Reference),
}

/// Which sales.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) scope: Scope,
    pub(crate) span: Span,
}

/// What was sold and refunded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SalesReport {
    /// By bucket, currency and, if that was asked for, price.
    pub(crate) lines: Vec<Line>,
    pub(crate) totals: BTreeMap<Currency, Sums>,
}

impl Queries {
    /// The report, and what it includes.
    pub(crate) async fn get_sales_report(
        &self,
        selection: &Selection,
        by_price: bool,
        freshness: Freshness,
    ) -> Result<(SalesReport, Position), QueryError> {
        let (sellers, known) = self.sellers(&selection.scope, freshness).await?;
        let span = selection.span;
        let reading = self.read(&SALES, freshness, move |connection, _as_of| {
            let sellers = Arc::clone(&sellers);
            Box::pin(async move {
                sales_report::lines(connection, &sellers, span, by_price, one_more(LINES_MAX)).await
            })
        });
        let (lines, included) = reading.await?;
        if lines.len() > LINES_MAX {
            return Err(too_much(
                "selection",
                format!(
                    "has more than {LINES_MAX} sums; choose fewer or longer buckets, or none by price"
                ),
            ));
        }
        let mut totals: BTreeMap<Currency, Sums> = BTreeMap::new();
        for line in &lines {
            totals.entry(line.currency).or_default().add(&line.sums);
        }
        Ok((SalesReport { lines, totals }, included.position.min(known)))
    }

    /// The pools of a scope, and up to where they are known.
    pub(super) async fn sellers(
        &self,
        scope: &Scope,
        freshness: Freshness,
    ) -> Result<(Arc<Vec<Seller>>, Position), QueryError> {
        let (field, filter) = match scope {
            Scope::Pool(id) => {
                let (seller, known) = self.seller(id, freshness).await?;
                return Ok((Arc::new(vec![seller]), known));
            }
            Scope::Promoter(name) => {
                let promoter = Some(name.clone());
                let filter = PoolFilter {
                    promoter,
                    ..PoolFilter::default()
                };
                ("selection.promoter", filter)
            }
            Scope::Show(name) => {
                let show = Some(name.clone());
                let filter = PoolFilter {
                    show,
                    ..PoolFilter::default()
                };
                ("selection.show", filter)
            }
        };
        let all = Page {
            size: POOLS_MAX,
            after: None,
        };
        let (pools, included) = self.list_pools(filter, all, freshness).await?;
        if pools.next.is_some() {
            let text = format!("has more than {POOLS_MAX} pools; ask for fewer of them at once");
            return Err(too_much(field, text));
        }
        // Without a price nothing was sold.
        let sellers = pools.rows.iter().filter_map(seller_of).collect();
        Ok((Arc::new(sellers), included.position))
    }

    /// One pool, from memory.
    async fn seller(
        &self,
        id: &PoolId,
        freshness: Freshness,
    ) -> Result<(Seller, Position), QueryError> {
        let (pool, included) = self.get_availability(id, freshness).await?;
        let seller = seller_of(&pool).ok_or_else(|| QueryError::NoPrice {
            pool: id.clone(),
            version: pool.version,
        })?;
        Ok((seller, included.position))
    }
}

/// None if the log does not say what the pool sells.
fn seller_of(pool: &Pool) -> Option<Seller> {
    let details = pool.details.as_deref()?;
    let text = |name: &Option<Reference>| name.as_ref().map(ToString::to_string);
    Some(Seller {
        pool: pool.id.clone(),
        currency: details.pricing.currency,
        promoter: text(&details.promoter),
        show: text(&details.show),
    })
}

fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}

fn too_much(field: &str, text: String) -> QueryError {
    QueryError::Wrong(vec![WrongField::new(field, text)])
}
