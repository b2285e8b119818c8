-- What was refused: a refusal is no event, but leaves a trace. Counts with a few samples, written by command-services off
-- their hot path, a row for each pool, reason, second and instance. Nothing follows from it; it may be emptied any time.

CREATE SCHEMA onsale_trace;

CREATE TABLE onsale_trace.refusals (
    second   timestamptz NOT NULL,              -- by the log's clock
    pool     text        COLLATE "C" NOT NULL,  -- empty: none has the name, or too many to be told apart
    reason   text        COLLATE "C" NOT NULL,  -- as callers are told
    instance text        COLLATE "C" NOT NULL,  -- of command-service
    count    bigint      NOT NULL,
    samples  json        NOT NULL,              -- the first few: who was told what
    CONSTRAINT refusals_pkey PRIMARY KEY (pool, second, reason, instance),
    CONSTRAINT refusals_count_check CHECK (count > 0)
);

-- The trace of all pools in a span of time, and what is old.
CREATE INDEX refusals_second_idx ON onsale_trace.refusals (second);
