-- What was sold and refunded in each minute. Tables have no schema here: each generation has one of its own.

CREATE TABLE sales (
    tickets                  bigint      NOT NULL,   -- bought and paid for
    granted_tickets          bigint      NOT NULL,   -- given away by the promoter; they cost nothing
    refunded_tickets         bigint      NOT NULL,   -- refunded in this minute, of those that were paid for
    refunded_granted_tickets bigint      NOT NULL,   -- taken back in this minute, of those that were given away
    minute                   timestamptz NOT NULL,   -- of the events' times; begins with it
    unit_price               bigint      NOT NULL,   -- in minor units of the pool's currency
    revenue                  numeric     NOT NULL,   -- in minor units; an event can say more than 64 bits hold
    refunds                  numeric     NOT NULL,   -- in minor units
    pool                     text        COLLATE "C" NOT NULL,
    CONSTRAINT sales_pkey PRIMARY KEY (pool, minute, unit_price)
) WITH (fillfactor = 80);   -- the rows of the newest minute are written again and again
