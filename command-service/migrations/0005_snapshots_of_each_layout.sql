-- While two versions of the service run beside each other, each keeps the snapshots of its own layout: with one row for each
-- pool they replaced each other's, and long pools were loaded from all of their events again and again. Until an instance of
-- before is updated it takes no snapshots, and says so.

ALTER TABLE onsale_command.snapshots
    DROP CONSTRAINT snapshots_pkey,
    ADD CONSTRAINT snapshots_pkey PRIMARY KEY (pool, state_version);
