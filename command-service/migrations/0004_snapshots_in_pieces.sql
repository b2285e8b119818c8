-- The bytes of snapshots in pieces, so that writing, reading and removing a large one can rest in between. What there was is
-- made anew: it follows from the log.

DROP TABLE onsale_command.snapshots;

-- What the newest snapshot of each pool is of.
CREATE TABLE onsale_command.snapshots (
    pool          text        COLLATE "C" NOT NULL,
    snapshot      uuid        NOT NULL, -- whose pieces are its bytes; version 7
    replaces      uuid,                 -- whose pieces can go
    state_version integer     NOT NULL, -- the layout of the bytes; another one is ignored
    version       bigint      NOT NULL, -- of the last event folded
    last_event    uuid        NOT NULL, -- its id: an equal version is not an equal history
    lasting_size  integer     NOT NULL, -- of what counts as long as the pool is there, in bytes
    lasting_crc   bigint      NOT NULL, -- CRC-32
    claims_size   integer     NOT NULL, -- of the claims that are over, remembered for a while
    claims_crc    bigint      NOT NULL,
    requests_size integer     NOT NULL, -- of the commands, remembered for a while
    requests_crc  bigint      NOT NULL,
    recent_until  timestamptz NOT NULL, -- from then on neither `claims` nor `requests` count
    taken_at      timestamptz NOT NULL DEFAULT clock_timestamp(), -- information only
    CONSTRAINT snapshots_pkey PRIMARY KEY (pool),
    CONSTRAINT snapshots_version_check CHECK (version > 0)
);

-- Written before their snapshot is, and removed after it: those of no snapshot were abandoned, or soon have one.
CREATE TABLE onsale_command.snapshot_pieces (
    snapshot   uuid        NOT NULL,
    part       text        COLLATE "C" NOT NULL, -- 'lasting', 'claims' or 'requests'
    number     integer     NOT NULL,             -- from 1
    bytes      bytea       NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT snapshot_pieces_pkey PRIMARY KEY (snapshot, part, number)
);

-- Ids do not compress, and the time to load is what counts.
ALTER TABLE onsale_command.snapshot_pieces ALTER COLUMN bytes SET STORAGE EXTERNAL;
