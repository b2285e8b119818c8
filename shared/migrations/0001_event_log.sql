-- The event log. Rows are inserted by onsale_log.append and never changed or deleted.

CREATE TABLE onsale_log.events (
    position    bigint      NOT NULL,                  -- dense over the log, in commit order, from 1
    version     bigint      NOT NULL,                  -- dense in its stream, from 1
    event_id    uuid        NOT NULL,                  -- version 7
    time        timestamptz NOT NULL,                  -- when it was decided, by the log's clock; what every rule uses
    recorded_at timestamptz NOT NULL,                  -- when it was written; information only
    schema      smallint    NOT NULL,                  -- schema version of data
    stream      text        COLLATE "C" NOT NULL,      -- 'pools/<pool id>'; bytes, not a language, order it
    type        text        COLLATE "C" NOT NULL,      -- 'TicketClaimed'
    data        json        NOT NULL,                  -- json, not jsonb: kept as written, and twice as fast to read
    metadata    json        NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (position),
    -- The second wall behind the expected versions that append checks.
    CONSTRAINT events_stream_version_key UNIQUE (stream, version),
    CONSTRAINT events_position_check CHECK (position > 0),
    CONSTRAINT events_version_check CHECK (version > 0)
);

-- Insert-only: freeze pages soon after they are full, so that no anti-wraparound vacuum ever meets a large log
-- (https://www.postgresql.org/docs/current/routine-vacuuming.html).
ALTER TABLE onsale_log.events SET (
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_freeze_min_age = 0
);

-- Where commands came from. Personal data, therefore beside the log: these rows may be erased.
CREATE TABLE onsale_log.event_origins (
    event_id   uuid NOT NULL,                          -- the first event of the command
    ip         inet,
    user_agent text,
    CONSTRAINT event_origins_pkey PRIMARY KEY (event_id)
);

-- The one lock of the log. Positions are assigned under it, and it is held through commit, so that position order is
-- commit order is visibility order. The first key is 'onsa' in ASCII, the second numbers the logs of a database.
CREATE FUNCTION onsale_log.lock() RETURNS void
LANGUAGE sql VOLATILE AS $$
    SELECT pg_advisory_xact_lock(1869509473, 1);
$$;
