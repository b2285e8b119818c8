-- Commands in a column of their own, apart from the claims that are over: they come while these are being read. Programs
-- of before write neither column; what they write has another layout, and is ignored.

ALTER TABLE onsale_command.snapshots
    ADD COLUMN requests     bytea  NOT NULL DEFAULT '', -- commands, remembered for a while; `recent` has the claims
    ADD COLUMN requests_crc bigint NOT NULL DEFAULT 0;

ALTER TABLE onsale_command.snapshots
    ALTER COLUMN requests SET STORAGE EXTERNAL;
