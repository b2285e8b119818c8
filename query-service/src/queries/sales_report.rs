//! What was sold and refunded in spans of time: of a pool, a promoter's pools or a show's.

use std::{collections::BTreeMap, sync::Arc};

use onsale_shared::{id::PoolId, log::Position, money::Currency, text::Reference};

use super::{Freshness, Queries, QueryError, WrongField};
use crate::{
    projections::sales::{SALES, Sums},
    read_models::sales_report::{self, Line, Of, Seller, Span},
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
        let reading = self.read(&SALES, freshness, move |connection| {
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
        let (field, name) = match scope {
            Scope::Pool(id) => {
                let (seller, known) = self.seller(id, freshness).await?;
                return Ok((Arc::new(vec![seller]), known));
            }
            Scope::Promoter(name) => ("selection.promoter", name),
            Scope::Show(name) => ("selection.show", name),
        };
        let asked = scope.clone();
        let reading = self.read(&SALES, freshness, move |connection| {
            let scope = asked.clone();
            Box::pin(async move {
                let of = match &scope {
                    Scope::Promoter(name) => Of::Promoter(name.as_str()),
                    Scope::Show(name) => Of::Show(name.as_str()),
                    Scope::Pool(_) => return Ok(Vec::new()),
                };
                sales_report::sellers(connection, of, one_more(POOLS_MAX)).await
            })
        });
        let (sellers, included) = reading.await?;
        if sellers.len() > POOLS_MAX {
            let text =
                format!("{name} has more than {POOLS_MAX} pools; ask for fewer of them at once");
            return Err(too_much(field, text));
        }
        Ok((Arc::new(sellers), included.position))
    }

    /// One pool, from memory.
    async fn seller(
        &self,
        id: &PoolId,
        freshness: Freshness,
    ) -> Result<(Seller, Position), QueryError> {
        let (pool, included) = self.get_availability(id, freshness).await?;
        let details = pool.details.as_deref();
        let details = details.ok_or_else(|| QueryError::NoPrice {
            pool: id.clone(),
            version: pool.version,
        })?;
        let text = |name: &Option<Reference>| name.as_ref().map(ToString::to_string);
        let seller = Seller {
            pool: id.clone(),
            currency: details.pricing.currency,
            promoter: text(&details.promoter),
            show: text(&details.show),
        };
        Ok((seller, included.position))
    }
}

fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}

fn too_much(field: &str, text: String) -> QueryError {
    QueryError::Wrong(vec![WrongField::new(field, text)])
}
