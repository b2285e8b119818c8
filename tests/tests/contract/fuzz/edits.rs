//! What promoters send.

use onsale_proto::v1;
use rand::RngExt as _;

use super::draw::Draw;

/// Far ahead, and past.
const AHEAD: [i64; 2] = [4_000_000_000, 5_000_000_000];
const PAST: [i64; 1] = [1_500_000_000];

impl Draw<'_> {
    pub(super) fn create(&mut self) -> v1::CreatePoolRequest {
        let pool_id = match self.fault() {
            true => self.text(),
            false => self.new_pool(),
        };
        let pool = v1::Pool {
            name: self.optional_text(),
            display_name: self.optional_text(),
            promoter: self.optional_text(),
            show: self.optional_text(),
            labels: self.labels(),
            show_time: self.time(&AHEAD),
            capacity: self.number(&[10, 1_000]),
            pricing: Some(self.pricing()),
            max_tickets_per_order: self.number(&[0, 4]),
            max_tickets_per_customer: self.number(&[0, 4]),
            claim_duration: self.duration(),
            late_purchase_window: self.duration(),
            sales_start_time: self.time(&PAST),
            sales_end_time: self.time(&AHEAD),
            state: self.number(&[0]),
            etag: self.optional_text(),
            ..v1::Pool::default()
        };
        v1::CreatePoolRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            pool_id,
            pool: (!self.fault()).then_some(pool),
        }
    }

    /// One of those that are created while this goes on.
    fn new_pool(&mut self) -> String {
        format!("new-{}", self.rng.random_range(0..300))
    }

    fn pricing(&mut self) -> v1::Pricing {
        let most = if self.fault() { 60 } else { 3 };
        let demand = self.rng.random_range(0..most);
        let time = if self.one_in(4) { demand } else { 0 };
        v1::Pricing {
            base_price: (!self.fault()).then(|| self.money()),
            floor_price: self.one_in(8).then(|| self.money()),
            cap_price: self.one_in(8).then(|| self.money()),
            demand_steps: (0..demand)
                .map(|i| v1::DemandStep {
                    sold_percent: self.number(&[i]),
                    change_basis_points: self.number(&[500]),
                })
                .collect(),
            demand_basis: self.number(&[0, 1, 2]),
            time_steps: (0..i64::from(time))
                .map(|i| v1::TimeStep {
                    before_show: Some(prost_types::Duration {
                        seconds: self.number(&[100_000 - i]),
                        nanos: self.number(&[0]),
                    }),
                    change_basis_points: self.number(&[-500]),
                })
                .collect(),
            interpolation: self.number(&[0, 1, 2]),
        }
    }

    pub(super) fn grant(&mut self) -> v1::GrantTicketsRequest {
        v1::GrantTicketsRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            pool: self.pool(),
            customer: self.customer(),
            quantity: self.number(&[1, 2]),
            reason: self.optional_text(),
        }
    }

    pub(super) fn stop(&mut self) -> v1::StopSalesRequest {
        let (etag, merge) = self.etag();
        v1::StopSalesRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            pool: self.pool(),
            mode: self.number(&[1, 1, 2]),
            reason: self.optional_text(),
            etag,
            merge,
        }
    }

    pub(super) fn resume(&mut self) -> v1::ResumeSalesRequest {
        let (etag, merge) = self.etag();
        v1::ResumeSalesRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            pool: self.pool(),
            reason: self.optional_text(),
            etag,
            merge,
        }
    }

    /// Of a pool that others do without.
    pub(super) fn cancel(&mut self) -> v1::CancelPoolRequest {
        let (etag, merge) = self.etag();
        let pool = self.new_pool();
        v1::CancelPoolRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            pool: match self.fault() {
                true => self.text(),
                false => onsale_proto::name::pool(&pool),
            },
            reason: self.optional_text(),
            etag,
            merge,
        }
    }

    pub(super) fn change_capacity(&mut self) -> v1::ChangeCapacityRequest {
        let (etag, merge) = self.etag();
        v1::ChangeCapacityRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            pool: self.pool(),
            capacity: self.number(&[1_000_000, 900_000, 10]),
            etag,
            merge,
        }
    }

    pub(super) fn change_pricing(&mut self) -> v1::ChangePricingRequest {
        let (etag, merge) = self.etag();
        v1::ChangePricingRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            pool: self.pool(),
            pricing: (!self.fault()).then(|| self.pricing()),
            etag,
            merge,
        }
    }

    pub(super) fn reschedule(&mut self) -> v1::ReschedulePoolRequest {
        let (etag, merge) = self.etag();
        v1::ReschedulePoolRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            pool: self.pool(),
            show_time: self.time(&AHEAD),
            sales_start_time: self.time(&PAST),
            sales_end_time: self.time(&AHEAD),
            etag,
            merge,
        }
    }

    pub(super) fn change_limits(&mut self) -> v1::ChangeLimitsRequest {
        let (etag, merge) = self.etag();
        v1::ChangeLimitsRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            pool: self.pool(),
            max_tickets_per_order: self.number(&[0, 4]),
            max_tickets_per_customer: self.number(&[0, 4, 1_000]),
            claim_duration: self.duration(),
            late_purchase_window: self.duration(),
            etag,
            merge,
        }
    }
}
