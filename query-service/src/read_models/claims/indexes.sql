-- Each list is read in the order of its pages from one of these, whatever else is asked. A state is part of a key since
-- a few refunded tickets must be found among millions of bought ones; all states of a pool are merged from five reads.
CREATE INDEX claims_pool_state ON claims (pool, state, position);
CREATE INDEX claims_customer ON claims (customer, position);
CREATE INDEX claims_reference ON claims (reference, position) WHERE reference IS NOT NULL;

CREATE INDEX tickets_pool_state ON tickets (pool, state, position);
CREATE INDEX tickets_customer ON tickets (customer, position);
CREATE INDEX tickets_claim ON tickets (claim, position);
