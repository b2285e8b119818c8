-- Each list is read in the order of its pages from one of these, whatever else is asked. A state is part of a key since
-- a few refunded tickets must be found among millions of bought ones; all states of a pool are merged from five reads.
CREATE INDEX claims_pool_state ON claims (pool, state, position);
-- Held claims by when they are over by themselves: what is past its deadline and not swept yet is few among many.
CREATE INDEX claims_pool_deadline
    ON claims (pool, (CASE WHEN voided = 0 AND expired = 0 THEN expire_time ELSE '-infinity' END)) WHERE state = 'HELD';
CREATE INDEX claims_customer ON claims (customer, position);
CREATE INDEX claims_reference ON claims (reference, position) WHERE reference IS NOT NULL;

CREATE INDEX tickets_pool_state ON tickets (pool, state, position);
CREATE INDEX tickets_customer ON tickets (customer, position);
CREATE INDEX tickets_claim ON tickets (claim, position);
