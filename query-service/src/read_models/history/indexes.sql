-- For pools as they were at a time; the key answers all else.
CREATE INDEX pool_history_time ON pool_history (pool, update_time, version);
