-- One customer in one pool, also one who has bought in thousands of others.
CREATE INDEX customer_entries_pool ON customer_entries (customer, pool, position);
