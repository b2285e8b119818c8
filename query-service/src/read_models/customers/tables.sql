-- What happened to each customer: one row an event of his, as the event says it, whether it contradicts others or not.
CREATE TABLE customer_entries (
    position          bigint      NOT NULL,   -- of the event
    time              timestamptz NOT NULL,
    expire_time       timestamptz,            -- the deadline of the claim then
    unit_price        bigint,                 -- in minor units of the pool's currency; null if the log does not say it
    granted           boolean     NOT NULL,
    claim             uuid        NOT NULL,
    ticket            uuid,                   -- null where the whole claim is meant
    replaces          uuid,                   -- the ticket that had expired, in whose place this one was paid late
    customer          text        COLLATE "C" NOT NULL,
    pool              text        COLLATE "C" NOT NULL,
    kind              text        COLLATE "C" NOT NULL,   -- CLAIMED, EXTENDED, BOUGHT, GRANTED, RELEASED, REFUNDED
    release_cause     text        COLLATE "C",            -- CUSTOMER, OPERATOR, EXPIRED, STOPPED, CANCELLED
    reason            text,
    reference         text,
    payment_reference text,
    CONSTRAINT customer_entries_pkey PRIMARY KEY (customer, position)
);

-- Whose a claim is and at what price: not every event of a claim says so.
CREATE TABLE claim_owners (
    unit_price bigint  NOT NULL,
    granted    boolean NOT NULL,
    claim      uuid    NOT NULL,
    pool       text    COLLATE "C" NOT NULL,
    customer   text    COLLATE "C" NOT NULL,
    CONSTRAINT claim_owners_pkey PRIMARY KEY (pool, claim)
);
