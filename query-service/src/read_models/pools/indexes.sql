-- Lists of pools by what is asked for, each in the order of their names. Rows are overwritten with every sale, but what is
-- indexed here is as it was then, so that PostgreSQL needs no new entries and HOT updates stay
-- (https://www.postgresql.org/docs/current/storage-hot.html): it compares values, not which columns were written.
CREATE INDEX pools_promoter ON pools (promoter, pool) WHERE promoter IS NOT NULL;
CREATE INDEX pools_show ON pools (show, pool) WHERE show IS NOT NULL;
CREATE INDEX pools_show_time ON pools (show_time, pool) WHERE show_time IS NOT NULL;
-- Most pools sell: those are found among all. The few others are found here.
CREATE INDEX pools_not_selling ON pools (pool) WHERE corrupted OR cancelled OR stop_mode IS NOT NULL;
