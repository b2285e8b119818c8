-- One row an event: by what it is found, and nothing that the log says better. Rows are added and never changed.
CREATE TABLE audit (
    position       bigint      NOT NULL,
    version        bigint      NOT NULL,                -- of the stream
    time           timestamptz NOT NULL,                -- when it was decided
    event_id       uuid        NOT NULL,
    request_id     uuid,                                -- null: the server did it by itself
    causation_id   uuid,
    claim          uuid,
    ticket         uuid,
    step           smallint    NOT NULL,                -- how many events of the same command are right before it
    pool           text        COLLATE "C",             -- null: a stream of another kind
    type           text        COLLATE "C" NOT NULL,
    customer       text        COLLATE "C",
    -- Of the command. In the log they stand on its first event only, or beside it; null: nobody said.
    actor          text        COLLATE "C",
    correlation_id text        COLLATE "C",
    instance       text        COLLATE "C",             -- which instance of the service decided
    ip             inet,
    CONSTRAINT audit_pkey PRIMARY KEY (position)
);

-- Not after the table was filled: filling finds by it whose the claims are of releases that do not say it.
CREATE INDEX audit_claim_idx ON audit (claim, position) WHERE claim IS NOT NULL;

-- When the events of 4,096 positions each were decided: times rise with positions, but not strictly.
CREATE TABLE audit_times (
    block     bigint      NOT NULL,                     -- position / 4096
    low_time  timestamptz NOT NULL,
    high_time timestamptz NOT NULL,
    CONSTRAINT audit_times_pkey PRIMARY KEY (block)
) WITH (fillfactor = 50);   -- the last block is overwritten all the time: room for HOT updates
