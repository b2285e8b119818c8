//! Prices as the contract writes them.

use onsale_proto::v1;
use onsale_shared::{
    log::Position,
    money::{Amount, Minor},
    pricing::{Clamp, DemandBasis, Explanation, Interpolation, PricePoint, Pricing},
};

use super::{money, timestamp, token};
use crate::queries::PriceQuote;

/// A price rule; what it does not have is unset.
pub(super) fn pricing(rule: &Pricing) -> v1::Pricing {
    let amount = |minor| {
        money(Amount {
            currency: rule.currency,
            minor,
        })
    };
    let demand_steps = rule.demand_steps.iter().map(|step| v1::DemandStep {
        sold_percent: step.sold_percent.into(),
        change_basis_points: i32::try_from(step.change_basis_points).unwrap_or(i32::MAX),
    });
    let time_steps = rule.time_steps.iter().map(|step| v1::TimeStep {
        before_show: step.before_show.try_into().ok(),
        change_basis_points: step.change_basis_points,
    });
    v1::Pricing {
        base_price: Some(amount(rule.base_price)),
        floor_price: Some(rule.floor_price)
            .filter(|floor| *floor > Minor::default())
            .map(amount),
        cap_price: rule.cap_price.map(amount),
        demand_steps: demand_steps.collect(),
        demand_basis: match rule.demand_basis {
            DemandBasis::Sold => v1::DemandBasis::Sold,
            DemandBasis::Committed => v1::DemandBasis::Committed,
        }
        .into(),
        time_steps: time_steps.collect(),
        interpolation: match rule.interpolation {
            Interpolation::Step => v1::Interpolation::Step,
            Interpolation::Linear => v1::Interpolation::Linear,
        }
        .into(),
    }
}

/// A quote that includes all events up to `included`.
pub(in crate::grpc) fn quote(quote: &PriceQuote, included: Position) -> v1::QuotePriceResponse {
    v1::QuotePriceResponse {
        unit_price: Some(money(quote.unit_price)),
        total_price: quote.total_price.map(money),
        pricing_version: quote.pricing_version.into(),
        explanation: Some(explanation(quote)),
        preview: quote.preview.iter().map(price_point).collect(),
        quote_time: Some(timestamp(quote.time)),
        consistency_token: token(included),
    }
}

fn explanation(quote: &PriceQuote) -> v1::PriceExplanation {
    let why: &Explanation = &quote.explanation;
    let (next_demand, next_time) = (why.next_demand_change, why.next_time_change);
    v1::PriceExplanation {
        text: why.to_string(),
        base_price: Some(money(why.base)),
        demand_basis_points: why.demand.map_or(0, |part| part.change.rounded()),
        time_basis_points: why.time.map_or(0, |part| part.change.rounded()),
        demand_tickets: i64::try_from(quote.demand_tickets).unwrap_or(i64::MAX),
        seconds_to_show: quote.seconds_to_show.unwrap_or(0),
        bound: match why.clamp {
            Some(Clamp::Floor) => v1::PriceBound::Floor,
            Some(Clamp::Cap) => v1::PriceBound::Cap,
            None => v1::PriceBound::Unspecified,
        }
        .into(),
        next_change_tickets: next_demand.map_or(0, |next| next.more_tickets.into()),
        next_change_tickets_price: next_demand.map(|next| money(next.unit_price)),
        next_change_time: next_time.map(|(time, _)| timestamp(time)),
        next_change_time_price: next_time.map(|(_, price)| money(price)),
    }
}

fn price_point(point: &PricePoint) -> v1::PricePoint {
    v1::PricePoint {
        sold: point.sold.into(),
        quote_time: Some(timestamp(point.time)),
        unit_price: Some(money(point.unit_price)),
    }
}

#[cfg(test)]
mod tests;
