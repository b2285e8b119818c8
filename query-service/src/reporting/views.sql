-- The views of the schema `reporting`: stable names for people. Columns are added at the end and never go or change.
-- Amounts are in units of the currency (49.99), not in minor units.

-- Minor units as units of the currency: ISO 4217, as `onsale_shared::money::Currency` has it. Without a currency nobody
-- knows how many decimals there are: null.
CREATE OR REPLACE FUNCTION reporting.in_units(minor numeric, currency text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN currency IS NULL THEN NULL
        WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV',
                          'XAF', 'XOF', 'XPF') THEN round(minor, 0)
        WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN round(minor / 1000, 3)
        ELSE round(minor / 100, 2)
    END
$$;

CREATE OR REPLACE VIEW reporting.sales AS
SELECT s.pool,
       p.details ->> 'promoter' AS promoter,
       p.details ->> 'show' AS show,
       s.minute,
       p.currency,
       reporting.in_units(s.unit_price, p.currency) AS unit_price,
       s.tickets,
       s.granted_tickets,
       s.refunded_tickets,
       s.refunded_granted_tickets,
       reporting.in_units(s.revenue, p.currency) AS revenue,
       reporting.in_units(s.refunds, p.currency) AS refunds
  FROM onsale_read.sales s LEFT JOIN onsale_read.pool_states p ON p.pool = s.pool;

CREATE OR REPLACE VIEW reporting.tickets AS
SELECT t.pool,
       p.details ->> 'promoter' AS promoter,
       p.details ->> 'show' AS show,
       t.ticket,
       t.claim,
       t.customer,
       t.state,
       t.granted,
       p.currency,
       reporting.in_units(t.unit_price, p.currency) AS unit_price,
       t.claim_time,
       t.buy_time,
       t.release_time,
       t.release_cause,
       t.refund_time,
       t.refund_reason,
       t.grant_reason,
       t.payment_reference,
       t.replaces
  FROM onsale_read.tickets t LEFT JOIN onsale_read.pool_states p ON p.pool = t.pool;

-- A ticket that was paid late counts instead of the expired one that it replaces, from their claim on.
CREATE OR REPLACE VIEW reporting.claims_funnel AS
SELECT t.pool,
       date_trunc('hour', c.create_time, 'UTC') AS hour,
       count(DISTINCT t.claim) AS claims,
       count(*) AS tickets_claimed,
       count(*) FILTER (WHERE t.buy_time IS NOT NULL) AS tickets_bought,
       count(*) FILTER (WHERE t.state = 'REFUNDED') AS tickets_refunded,
       count(*) FILTER (WHERE t.release_cause IN ('CUSTOMER', 'OPERATOR')) AS tickets_returned,
       count(*) FILTER (WHERE t.release_cause = 'EXPIRED') AS tickets_expired,
       count(*) FILTER (WHERE t.release_cause IN ('STOPPED', 'CANCELLED')) AS tickets_voided,
       count(*) FILTER (WHERE t.state = 'HELD') AS tickets_held,
       round(extract(epoch FROM avg(t.buy_time - c.create_time)), 3) AS seconds_to_buy
  FROM onsale_read.tickets t JOIN onsale_read.claims c ON c.pool = t.pool AND c.claim = t.claim
 WHERE NOT t.granted AND t.replaced_by IS NULL
 GROUP BY 1, 2;

CREATE OR REPLACE VIEW reporting.price_log AS
SELECT c.pool,
       p.details ->> 'promoter' AS promoter,
       p.details ->> 'show' AS show,
       c.time AS change_time,
       c.cause,
       p.currency,
       reporting.in_units(c.old_unit_price, p.currency) AS old_unit_price,
       reporting.in_units(c.new_unit_price, p.currency) AS new_unit_price,
       c.sold AS tickets_sold,
       c.held AS tickets_held,
       c.version AS pool_version,
       c.position,
       c.ordinal,
       c.event_id
  FROM onsale_read.price_changes c LEFT JOIN onsale_read.pool_states p ON p.pool = c.pool;

CREATE OR REPLACE VIEW reporting.audit AS
SELECT a.position,
       a.time AS event_time,
       a.type AS event_type,
       a.pool,
       a.version AS pool_version,
       a.event_id,
       a.request_id,
       a.correlation_id,
       a.causation_id,
       a.actor,
       a.customer,
       a.claim,
       a.ticket,
       a.instance
  FROM onsale_read.audit a;
