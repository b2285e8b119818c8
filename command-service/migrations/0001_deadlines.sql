-- Which pools hold tickets until when: a projection of the log, so that places of dead claims go back to the stock
-- though no instance has the pool loaded. It can be emptied at any time (both tables at once); it is then folded anew.

CREATE TABLE onsale_command.deadlines (
    pool text   COLLATE "C" NOT NULL,
    slot bigint NOT NULL,               -- tenths of a second since 1970, rounded up; 0: voided by a stop, due now
    held integer NOT NULL,              -- tickets held until then
    CONSTRAINT deadlines_pkey PRIMARY KEY (pool, slot),
    CONSTRAINT deadlines_held_check CHECK (held > 0)
) WITH (fillfactor = 70);

CREATE TABLE onsale_command.checkpoints (
    projection text   COLLATE "C" NOT NULL,
    position   bigint NOT NULL,         -- the last event folded
    CONSTRAINT checkpoints_pkey PRIMARY KEY (projection)
);

INSERT INTO onsale_command.checkpoints (projection, position) VALUES ('deadlines', 0);
