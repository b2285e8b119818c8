-- Pools, each as it is at the checkpoint.
CREATE TABLE pools (
    version                  bigint      NOT NULL,    -- of the pool's stream
    position                 bigint      NOT NULL,    -- of the pool's last event
    create_time              timestamptz NOT NULL,
    update_time              timestamptz NOT NULL,
    -- Whatever an event can say has room: a nonsensical one is to mark its pool, not to stop all others.
    capacity                 bigint      NOT NULL,
    sold                     bigint      NOT NULL,
    held                     bigint      NOT NULL,
    corrupted                boolean     NOT NULL,    -- the log holds an event that contradicts the pool
    cancelled                boolean     NOT NULL,    -- for good; whether it was stopped is past
    pool                     text        COLLATE "C" NOT NULL,
    stop_mode                text        COLLATE "C", -- null: not stopped
    -- What the pool was created with, as it is now; all null if the log has events of the pool but no creation (it is
    -- corrupted then).
    pricing                  json,                    -- the price rule, as events have it
    pricing_version          bigint,                  -- of the rule; that of the creation is 1
    max_tickets_per_order    bigint,
    max_tickets_per_customer bigint,
    claim_duration_ms        bigint,
    late_purchase_window_ms  bigint,
    labels                   json,
    display_name             text,
    promoter                 text,
    show                     text,
    show_time                timestamptz,
    sales_start_time         timestamptz,
    sales_end_time           timestamptz,
    CONSTRAINT pools_pkey PRIMARY KEY (pool),
    CONSTRAINT pools_counts_check CHECK (sold >= 0 AND held >= 0 AND sold + held <= capacity)
) WITH (fillfactor = 50);   -- rows are overwritten all the time: room for HOT updates
