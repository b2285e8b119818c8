-- What queries are answered from. Everything here follows from the log and could be folded again.

-- How far each projection has come. A transaction that writes rows of a read model moves its checkpoint first, and only
-- from where the writer believes it to be; so who was replaced meanwhile changes nothing.
CREATE TABLE onsale_query.checkpoints (
    projection text        COLLATE "C" NOT NULL,   -- 'pools'
    version    integer     NOT NULL,               -- of the projection's code and tables
    position   bigint      NOT NULL,               -- the last position of the log that the rows include
    time       timestamptz NOT NULL,               -- every event that was in the log then, by its clock, is included
    CONSTRAINT checkpoints_pkey PRIMARY KEY (projection, version),
    CONSTRAINT checkpoints_position_check CHECK (position >= 0)
);

INSERT INTO onsale_query.checkpoints (projection, version, position, time) VALUES ('pools', 1, 0, 'epoch');

-- Pools, each as it is at the checkpoint.
CREATE TABLE onsale_query.pools (
    version               bigint      NOT NULL,    -- of the pool's stream
    position              bigint      NOT NULL,    -- of the pool's last event
    create_time           timestamptz NOT NULL,
    update_time           timestamptz NOT NULL,
    capacity              integer     NOT NULL,
    sold                  integer     NOT NULL,
    held                  integer     NOT NULL,
    corrupted             boolean     NOT NULL,    -- the log holds an event that contradicts the pool
    pool                  text        COLLATE "C" NOT NULL,
    stop_mode             text        COLLATE "C", -- null: not stopped
    -- What the pool was created with; all null if the log has events of the pool but no creation (it is corrupted then).
    currency              text        COLLATE "C",
    base_price            bigint,                  -- in minor units
    max_tickets_per_order integer,
    claim_duration_ms     bigint,
    labels                json,
    display_name          text,
    promoter              text,
    show                  text,
    show_time             timestamptz,
    CONSTRAINT pools_pkey PRIMARY KEY (pool),
    CONSTRAINT pools_counts_check CHECK (sold >= 0 AND held >= 0 AND sold + held <= capacity)
) WITH (fillfactor = 50);   -- rows are overwritten all the time: room for HOT updates, hence no other index either
