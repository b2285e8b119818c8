-- Each filter has an index that ends in the position, so that what meets it comes in the order of pages; that of claims is made with the table.
CREATE INDEX audit_event_id_idx ON audit (event_id);
CREATE INDEX audit_type_idx ON audit (type, position);
CREATE INDEX audit_pool_idx ON audit (pool, position) WHERE pool IS NOT NULL;
CREATE INDEX audit_customer_idx ON audit (customer, position) WHERE customer IS NOT NULL;
CREATE INDEX audit_ticket_idx ON audit (ticket, position) WHERE ticket IS NOT NULL;
CREATE INDEX audit_actor_idx ON audit (actor, position) WHERE actor IS NOT NULL;
CREATE INDEX audit_ip_idx ON audit (ip, position) WHERE ip IS NOT NULL;
CREATE INDEX audit_request_id_idx ON audit (request_id, position) WHERE request_id IS NOT NULL;
CREATE INDEX audit_correlation_id_idx ON audit (correlation_id, position) WHERE correlation_id IS NOT NULL;
CREATE INDEX audit_causation_id_idx ON audit (causation_id, position) WHERE causation_id IS NOT NULL;
