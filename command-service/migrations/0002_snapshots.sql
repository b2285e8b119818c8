-- The state of long streams at a version, so that a pool is loaded without all of its events. It can be emptied at any
-- time: pools are then loaded from their events, and snapshots are made anew.

CREATE TABLE onsale_command.snapshots (
    pool          text        COLLATE "C" NOT NULL,
    state_version integer     NOT NULL, -- the layout of the bytes; another one is ignored
    version       bigint      NOT NULL, -- of the last event folded
    last_event    uuid        NOT NULL, -- its id: an equal version is not an equal history
    lasting       bytea       NOT NULL, -- what counts as long as the pool is there
    lasting_crc   bigint      NOT NULL, -- CRC-32
    recent        bytea       NOT NULL, -- what is remembered for a while
    recent_crc    bigint      NOT NULL,
    recent_until  timestamptz NOT NULL, -- from then on `recent` does not count
    taken_at      timestamptz NOT NULL DEFAULT clock_timestamp(), -- information only
    CONSTRAINT snapshots_pkey PRIMARY KEY (pool),
    CONSTRAINT snapshots_version_check CHECK (version > 0)
);

-- Ids do not compress, and the time to load is what counts.
ALTER TABLE onsale_command.snapshots
    ALTER COLUMN lasting SET STORAGE EXTERNAL,
    ALTER COLUMN recent SET STORAGE EXTERNAL;
