-- A projection that is new altogether begins with a live generation that is empty, over a log that may be old. Until it
-- includes what was in the log when it was made, it shows a past in which the rest had not happened: nobody reads it yet.
ALTER TABLE onsale_query.generations
    ADD COLUMN readable_from bigint NOT NULL DEFAULT 0,   -- the position that it must include before it is read
    ADD CONSTRAINT generations_readable_from_check CHECK (readable_from >= 0);
