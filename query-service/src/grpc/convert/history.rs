//! Changes of prices as the contract writes them.

use onsale_proto::v1::{self, PriceChangeCause};
use onsale_shared::money::{Amount, Currency};

use super::{money, timestamp};
use crate::projections::history::{Cause, PriceChange};

/// Changes of a pool whose prices are in this currency.
pub(in crate::grpc) fn price_changes(
    changes: &[PriceChange],
    currency: Currency,
) -> Vec<v1::PriceChange> {
    let amount = |minor| money(Amount { currency, minor });
    let change = |change: &PriceChange| v1::PriceChange {
        change_time: Some(timestamp(change.time)),
        old_unit_price: change.old.map(amount),
        new_unit_price: Some(amount(change.new)),
        cause: cause(change.cause).into(),
        event_id: change
            .event
            .map(|event| event.to_string())
            .unwrap_or_default(),
        position: change.position.get(),
        version: change.version.get(),
        sold: change.sold.into(),
        held: change.held.into(),
    };
    changes.iter().map(change).collect()
}

const fn cause(cause: Cause) -> PriceChangeCause {
    match cause {
        Cause::Created => PriceChangeCause::Created,
        Cause::PricingChanged => PriceChangeCause::PricingChanged,
        Cause::Rescheduled => PriceChangeCause::Rescheduled,
        Cause::CapacityChanged => PriceChangeCause::CapacityChanged,
        Cause::Demand => PriceChangeCause::Demand,
        Cause::Time => PriceChangeCause::Time,
    }
}
