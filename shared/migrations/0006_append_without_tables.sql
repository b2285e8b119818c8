-- The same function, which takes the columns of events apart in a cheaper way. See docs/adr/0006.

CREATE OR REPLACE FUNCTION onsale_log.append(
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
    appended       boolean,      -- the write's group is in the log
    repeated       boolean,      -- it was there already
    actual         bigint,       -- the version of the write's stream before this call
    first_position bigint,       -- of the write's first event, if appended
    head           bigint,       -- of the log after this call
    log_time       timestamptz   -- the log's clock
)
-- The services may not insert into the log; this function may. It runs as its owner, on its own search path.
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- Plans are cached while the log is small and must still be right when it is large: always by index.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    all_as_expected boolean;
    versions        bigint[];
    firsts          uuid[];
    there_at        bigint[];      -- where the write's first event is already
    group_ok        boolean[];
    group_there     boolean[];
    base            bigint;
    inserted        bigint;
    written         timestamptz;
BEGIN
    -- A later statement of a READ COMMITTED transaction sees what was committed before it; that is what makes the
    -- statements after the lock see everything. Other isolation levels keep the snapshot from before the lock.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'onsale_log.append needs READ COMMITTED';
    END IF;

    PERFORM pg_advisory_xact_lock(1869509473, 1);      -- onsale_log.lock(), before anything is read

    -- Forwards from the version that is expected, and no further than the one after it: looking backwards from the end
    -- of each stream takes four times as long.
    SELECT coalesce((SELECT e.position FROM onsale_log.events e ORDER BY e.position DESC LIMIT 1), 0),
           bool_and((SELECT count(*) FROM (SELECT FROM onsale_log.events e
                                            WHERE e.stream = w.stream AND e.version >= w.expected LIMIT 2) newest)
                    = CASE w.expected WHEN 0 THEN 0 ELSE 1 END)
      INTO base, all_as_expected
      FROM unnest(write_stream, write_expected) AS w (stream, expected);
    written := clock_timestamp();

    IF all_as_expected THEN
        -- Arrays are unnested in a list of columns: in FROM, each would be written into a table of its own first.
        INSERT INTO onsale_log.events
               (position, version, event_id, time, recorded_at, schema, stream, type, data, metadata)
        SELECT base + e.ord, e.version, e.event_id, e.time, written, e.schema,
               write_stream[e.write_no], e.type, e.data::json, e.metadata::json
          FROM (SELECT generate_series(1, cardinality(event_write)) AS ord, unnest(event_write) AS write_no,
                       unnest(event_version) AS version, unnest(append.event_id) AS event_id,
                       unnest(event_type) AS type, unnest(event_schema) AS schema, unnest(event_time) AS time,
                       unnest(event_data) AS data, unnest(event_metadata) AS metadata) e;

        IF cardinality(origin_event) > 0 THEN
            INSERT INTO onsale_log.event_origins (event_id, ip, user_agent)
            SELECT append.event_id[o.event_no], o.ip::inet, o.agent
              FROM (SELECT unnest(origin_event) AS event_no, unnest(origin_ip) AS ip, unnest(origin_agent) AS agent) o;
        END IF;

        -- Events come in the order of their writes. One write is the usual case, and the cheapest.
        IF cardinality(write_stream) = 1 THEN
            RETURN QUERY SELECT true, false, write_expected[1], base + 1, base + cardinality(event_write), clock_timestamp();
        ELSE
            RETURN QUERY
            SELECT true, false, write_expected[e.write_no], base + min(e.ord), base + cardinality(event_write), clock_timestamp()
              FROM unnest(event_write) WITH ORDINALITY AS e (write_no, ord)
             GROUP BY e.write_no
             ORDER BY e.write_no;
        END IF;
        RETURN;
    END IF;

    -- Some streams have moved. A group is there already if the event after each expected version is its own.
    SELECT array_agg(coalesce(last.version, 0) ORDER BY w.no)
      INTO versions
      FROM unnest(write_stream) WITH ORDINALITY AS w (stream, no)
      LEFT JOIN LATERAL (SELECT e.version FROM onsale_log.events e
                          WHERE e.stream = w.stream ORDER BY e.version DESC LIMIT 1) last ON true;
    SELECT array_agg(f.event_id ORDER BY f.write_no)
      INTO firsts
      FROM (SELECT DISTINCT ON (e.write_no) e.write_no, e.event_id
              FROM unnest(event_write, append.event_id) WITH ORDINALITY AS e (write_no, event_id, ord)
             ORDER BY e.write_no, e.ord) f;
    SELECT array_agg(e.position ORDER BY w.no)
      INTO there_at
      FROM unnest(write_stream, write_expected, firsts) WITH ORDINALITY AS w (stream, expected, first, no)
      LEFT JOIN LATERAL (SELECT x.position FROM onsale_log.events x
                          WHERE x.stream = w.stream AND x.version = w.expected + 1 AND x.event_id = w.first
                          LIMIT 1) e ON true;
    SELECT array_agg(g.ok ORDER BY g.group_no), array_agg(g.there ORDER BY g.group_no)
      INTO group_ok, group_there
      FROM (SELECT w.group_no, bool_and(w.version = w.expected) AS ok, bool_and(w.position IS NOT NULL) AS there
              FROM unnest(write_group, versions, write_expected, there_at)
                   AS w (group_no, version, expected, position)
             GROUP BY w.group_no) g;

    INSERT INTO onsale_log.events
           (position, version, event_id, time, recorded_at, schema, stream, type, data, metadata)
    SELECT base + row_number() OVER (ORDER BY e.ord), e.version, e.event_id, e.time, written, e.schema,
           write_stream[e.write_no], e.type, e.data::json, e.metadata::json
      FROM unnest(event_write, event_version, append.event_id, event_type, event_schema, event_time, event_data,
                  event_metadata)
           WITH ORDINALITY AS e (write_no, version, event_id, type, schema, time, data, metadata, ord)
     WHERE group_ok[write_group[e.write_no]];
    GET DIAGNOSTICS inserted = ROW_COUNT;

    INSERT INTO onsale_log.event_origins (event_id, ip, user_agent)
    SELECT append.event_id[o.event_no], o.ip::inet, o.agent
      FROM unnest(origin_event, origin_ip, origin_agent) AS o (event_no, ip, agent)
     WHERE group_ok[write_group[event_write[o.event_no]]];

    -- Each write has events, so counting them gives a row for each write. Joining would take the square of their number:
    -- there are no hash joins here.
    RETURN QUERY
    SELECT w.ok OR w.there,
           w.there AND NOT w.ok,
           versions[w.no],
           CASE WHEN w.ok
                THEN (base + sum(w.events) FILTER (WHERE w.ok) OVER (ORDER BY w.no) - w.events + 1)::bigint
                ELSE there_at[w.no]
           END,
           base + inserted,
           clock_timestamp()
      FROM (SELECT e.write_no AS no, count(*) AS events,
                   group_ok[write_group[e.write_no]] AS ok, group_there[write_group[e.write_no]] AS there
              FROM unnest(event_write) AS e (write_no)
             GROUP BY e.write_no) w
     ORDER BY w.no;
END
$$;
