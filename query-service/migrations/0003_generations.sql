-- Read models are built anew beside those that answer: each projection has numbered generations, each with tables in a
-- schema of its own (`onsale_query_<projection>_<generation>`), which the service itself makes and drops.

-- How far each generation has come, and what it is for. A transaction that writes rows of a generation moves its position
-- first, and only from where the writer believes it to be; so who was replaced meanwhile changes nothing.
CREATE TABLE onsale_query.generations (
    position          bigint      NOT NULL DEFAULT 0,        -- the last position of the log that the rows include
    time              timestamptz NOT NULL DEFAULT 'epoch',  -- every event that was in the log then, by its clock, is included
    create_time       timestamptz NOT NULL DEFAULT clock_timestamp(),
    retire_time       timestamptz,                           -- when another generation took its place
    blocked_position  bigint,                                -- of the event that this generation cannot go past
    events_per_second double precision,                      -- how fast it is being built
    generation        integer     NOT NULL,                  -- from 1; never used again
    version           integer     NOT NULL,                  -- of the projection's code and tables
    indexed           boolean     NOT NULL DEFAULT false,    -- all indexes are there; while it is filled only keys are
    projection        text        COLLATE "C" NOT NULL,      -- 'pools'
    state             text        COLLATE "C" NOT NULL,
    blocked_reason    text,
    CONSTRAINT generations_pkey PRIMARY KEY (projection, generation),
    CONSTRAINT generations_position_check CHECK (position >= 0),
    -- building: filled beside the live one; live: queries read it; retired: another took its place; scratch: a fold to
    -- compare the live one with; dropped: its schema is gone.
    CONSTRAINT generations_state_check CHECK (state IN ('building', 'live', 'retired', 'scratch', 'dropped')),
    CONSTRAINT generations_blocked_check CHECK ((blocked_position IS NULL) = (blocked_reason IS NULL))
) WITH (fillfactor = 10);   -- a few rows, overwritten all the time: room for HOT updates

CREATE UNIQUE INDEX generations_live_idx ON onsale_query.generations (projection) WHERE state = 'live';

-- What queries read: for each table of each projection a view of the live generation. The service's role makes them.
CREATE SCHEMA onsale_read;
