-- ANALYZE reads 300 rows for each unit of the largest statistics target, 30,000 rows of a table by default, in one go and
-- as often as a table has grown by a tenth: every minute of a sale on a young log, beside that sale. What reads these
-- tables does so by index and limit, whatever their columns hold (https://www.postgresql.org/docs/current/sql-analyze.html).
ALTER TABLE onsale_log.events
    ALTER COLUMN position    SET STATISTICS 10,
    ALTER COLUMN version     SET STATISTICS 10,
    ALTER COLUMN event_id    SET STATISTICS 10,
    ALTER COLUMN time        SET STATISTICS 10,
    ALTER COLUMN recorded_at SET STATISTICS 10,
    ALTER COLUMN schema      SET STATISTICS 10,
    ALTER COLUMN stream      SET STATISTICS 10,
    ALTER COLUMN type        SET STATISTICS 10,
    ALTER COLUMN data        SET STATISTICS 0,
    ALTER COLUMN metadata    SET STATISTICS 0;

ALTER TABLE onsale_log.event_origins
    ALTER COLUMN event_id   SET STATISTICS 10,
    ALTER COLUMN ip         SET STATISTICS 10,
    ALTER COLUMN user_agent SET STATISTICS 10;

-- Origins are inserted as events are: see there. By default they were vacuumed whenever a fifth had come.
ALTER TABLE onsale_log.event_origins SET (
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_freeze_min_age = 0
);
