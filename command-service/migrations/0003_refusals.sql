-- What was refused: the log keeps what happened only, and a refusal is nothing that happened. Counts for each second,
-- with a few samples, for a day; for who asks why he was told what he was told.
CREATE TABLE onsale_command.refusals (
    second   timestamptz NOT NULL,              -- when they were answered, by the log's clock
    count    bigint      NOT NULL,
    pool     text        COLLATE "C" NOT NULL,  -- '': pools that do not exist, and what was too much to be told apart
    reason   text        COLLATE "C" NOT NULL,  -- as callers know it
    instance text        COLLATE "C" NOT NULL,  -- which instance refused
    samples  json        NOT NULL,              -- the first few of them
    CONSTRAINT refusals_pkey PRIMARY KEY (pool, second, reason, instance),
    CONSTRAINT refusals_count_check CHECK (count > 0)
);

-- Old ones are deleted.
CREATE INDEX refusals_second_idx ON onsale_command.refusals (second);
