-- All the rules of sale: the whole price rule, the sales window, limits per customer, late payment, cancelled pools.
-- Rows that were written before say what their events mean today: a price rule of a base price alone, no window, no
-- limit per customer, no late payment.

ALTER TABLE onsale_query.pools
    ADD COLUMN cancelled                boolean NOT NULL DEFAULT false,   -- for good; whether it was stopped is past
    ADD COLUMN pricing                  json,                             -- the price rule, as events have it
    ADD COLUMN pricing_version          bigint,                           -- of the rule; that of the creation is 1
    ADD COLUMN max_tickets_per_customer bigint,
    ADD COLUMN late_purchase_window_ms  bigint,
    ADD COLUMN sales_start_time         timestamptz,
    ADD COLUMN sales_end_time           timestamptz,
    -- Whatever an event can say has room: a nonsensical one is to mark its pool, not to stop all others.
    ALTER COLUMN capacity               TYPE bigint,
    ALTER COLUMN sold                   TYPE bigint,
    ALTER COLUMN held                   TYPE bigint,
    ALTER COLUMN max_tickets_per_order  TYPE bigint;

UPDATE onsale_query.pools
   SET pricing = json_build_object('currency', currency, 'base_price', base_price), pricing_version = 1,
       max_tickets_per_customer = 4294967295, late_purchase_window_ms = 0
 WHERE currency IS NOT NULL;

ALTER TABLE onsale_query.pools
    DROP COLUMN currency,
    DROP COLUMN base_price;
