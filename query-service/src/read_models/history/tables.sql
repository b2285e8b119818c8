-- What pools were, and what their tickets cost. Tables have no schema here: each generation has one of its own.

-- Each pool as it is at the checkpoint: what its next event is folded onto.
CREATE TABLE pool_states (
    version     bigint      NOT NULL,    -- of the pool's stream
    position    bigint      NOT NULL,    -- of the pool's last event
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,    -- of the pool's last event
    capacity    bigint      NOT NULL,
    sold        bigint      NOT NULL,
    held        bigint      NOT NULL,
    unit_price  bigint,                  -- in minor units, at update_time; null if the log does not say what is sold
    corrupted   boolean     NOT NULL,    -- the log holds an event that contradicts the pool
    cancelled   boolean     NOT NULL,    -- for good
    stop_mode   text        COLLATE "C", -- null: not stopped
    currency    text        COLLATE "C", -- of all prices of the pool
    pool        text        COLLATE "C" NOT NULL,
    details     json,                    -- settings: prices, times, limits, names; null if the log has no creation
    CONSTRAINT pool_states_pkey PRIMARY KEY (pool)
) WITH (fillfactor = 50);   -- rows are overwritten all the time: room for HOT updates

-- Each pool as it was: at version 1 and at every 1,000th version.
CREATE TABLE pool_history (
    LIKE pool_states,
    CONSTRAINT pool_history_pkey PRIMARY KEY (pool, version)
);

-- Every change of a price. What a LINEAR price does is written where an event finds it changed.
CREATE TABLE price_changes (
    time           timestamptz NOT NULL,    -- when the new price began
    position       bigint      NOT NULL,    -- of the event that changed it; of the last event before, if time did
    version        bigint      NOT NULL,    -- of the pool's stream, of the same event
    old_unit_price bigint,                  -- in minor units; null when the pool came into being
    new_unit_price bigint      NOT NULL,    -- in minor units
    sold           bigint      NOT NULL,    -- tickets, after it
    held           bigint      NOT NULL,    -- tickets, after it
    event_id       uuid,                    -- of the event that changed it; null if time did
    ordinal        integer     NOT NULL,    -- 0: the event's own change; what time changed after it counts from 1
    cause          text        COLLATE "C" NOT NULL,
    pool           text        COLLATE "C" NOT NULL,
    CONSTRAINT price_changes_pkey PRIMARY KEY (pool, time, position, ordinal)
);
