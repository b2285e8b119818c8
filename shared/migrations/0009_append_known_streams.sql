-- As onsale_log.append_batch, which those call who came before, for a session that has appended before. Whoever was the last
-- to append knows the versions of the streams that it appended to: if the log still ends where it left it, nobody has
-- appended since, to whatever stream. That is seen under the lock, at once for all of these streams. See docs/adr/0006.

CREATE FUNCTION onsale_log.append_known(
    write_group      int[],
    write_stream     text[],
    write_expected   bigint[],
    write_known      boolean[],  -- the stream had the version that is expected when the log ended at known_head
    known_head       bigint,     -- where the log ended when this session appended last
    event_write      int[],
    event_version    bigint[],
    event_id         uuid[],
    event_type       text[],
    event_schema     smallint[],
    event_time       timestamptz[],
    event_data       text[],
    event_metadata   text[],
    origin_event     int[],
    origin_ip        text[],
    origin_agent     text[]
) RETURNS TABLE (
    appended       boolean,      -- the group of the write, or every group of the batch, is in the log
    repeated       boolean,      -- it was there already
    actual         bigint,       -- the version of the write's stream before this call; none of a whole batch
    first_position bigint,       -- of the write's first event, or the batch's, if appended
    head           bigint,       -- of the log after this call
    log_time       timestamptz   -- the log's clock
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- Plans are cached while the log is small and must still be right when it is large: always by index.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    all_as_expected boolean;
    base            bigint;
    written         timestamptz;
BEGIN
    -- A later statement of a READ COMMITTED transaction sees what was committed before it; that is what makes the
    -- statements after the lock see everything. Other isolation levels keep the snapshot from before the lock.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'onsale_log.append_known needs READ COMMITTED';
    END IF;

    PERFORM pg_advisory_xact_lock(1869509473, 1);      -- onsale_log.lock(), before anything is read

    base := coalesce((SELECT e.position FROM onsale_log.events e ORDER BY e.position DESC LIMIT 1), 0);

    -- Forwards from the version that is expected, and no further than the one after it: looking backwards from the end
    -- of each stream takes four times as long.
    SELECT coalesce(bool_and((SELECT count(*) FROM (SELECT FROM onsale_log.events e
                                                     WHERE e.stream = w.stream AND e.version >= w.expected LIMIT 2) newest)
                             = CASE w.expected WHEN 0 THEN 0 ELSE 1 END), true)
      INTO all_as_expected
      FROM unnest(write_stream, write_expected, write_known) AS w (stream, expected, known)
     WHERE NOT w.known OR base IS DISTINCT FROM known_head;
    written := clock_timestamp();

    IF NOT all_as_expected THEN
        RETURN QUERY
        SELECT * FROM onsale_log.append(
            write_group, write_stream, write_expected, event_write, event_version, append_known.event_id, event_type,
            event_schema, event_time, event_data, event_metadata, origin_event, origin_ip, origin_agent);
        RETURN;
    END IF;

    -- Arrays are unnested in a list of columns: in FROM, each would be written into a table of its own first.
    INSERT INTO onsale_log.events
           (position, version, event_id, time, recorded_at, schema, stream, type, data, metadata)
    SELECT base + e.ord, e.version, e.event_id, e.time, written, e.schema,
           write_stream[e.write_no], e.type, e.data::json, e.metadata::json
      FROM (SELECT generate_series(1, cardinality(event_write)) AS ord, unnest(event_write) AS write_no,
                   unnest(event_version) AS version, unnest(append_known.event_id) AS event_id,
                   unnest(event_type) AS type, unnest(event_schema) AS schema, unnest(event_time) AS time,
                   unnest(event_data) AS data, unnest(event_metadata) AS metadata) e;

    IF cardinality(origin_event) > 0 THEN
        INSERT INTO onsale_log.event_origins (event_id, ip, user_agent)
        SELECT append_known.event_id[o.event_no], o.ip::inet, o.agent
          FROM (SELECT unnest(origin_event) AS event_no, unnest(origin_ip) AS ip, unnest(origin_agent) AS agent) o;
    END IF;

    RETURN QUERY SELECT true, false, NULL::bigint, base + 1, base + cardinality(event_write), clock_timestamp();
END
$$;

REVOKE ALL ON FUNCTION onsale_log.append_known FROM PUBLIC;

-- The same without knowledge.
CREATE OR REPLACE FUNCTION onsale_log.append_batch(
    write_group      int[],
    write_stream     text[],
    write_expected   bigint[],
    event_write      int[],
    event_version    bigint[],
    event_id         uuid[],
    event_type       text[],
    event_schema     smallint[],
    event_time       timestamptz[],
    event_data       text[],
    event_metadata   text[],
    origin_event     int[],
    origin_ip        text[],
    origin_agent     text[]
) RETURNS TABLE (
    appended       boolean,
    repeated       boolean,
    actual         bigint,
    first_position bigint,
    head           bigint,
    log_time       timestamptz
)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM onsale_log.append_known(
        write_group, write_stream, write_expected, array_fill(false, ARRAY[cardinality(write_stream)]), NULL, event_write,
        event_version, event_id, event_type, event_schema, event_time, event_data, event_metadata, origin_event, origin_ip,
        origin_agent);
$$;
