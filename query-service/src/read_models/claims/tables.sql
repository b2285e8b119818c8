-- What became of claims and tickets, each as it is at the checkpoint. Texts are what events say; nothing refuses a row.

-- A claim and how many of its tickets are where.
CREATE TABLE claims (
    position        bigint      NOT NULL,   -- of its first event; never changes: pages are in this order
    last_position   bigint      NOT NULL,   -- of its last event
    alive_position  bigint      NOT NULL,   -- of the event that it holds tickets since: a later void ends it
    create_time     timestamptz NOT NULL,
    update_time     timestamptz NOT NULL,
    expire_time     timestamptz NOT NULL,
    unit_price      bigint      NOT NULL,   -- in minor units of the pool's currency
    pricing_version bigint      NOT NULL,
    held            bigint      NOT NULL,   -- how many tickets are held, by deadline or void dead or not
    bought          bigint      NOT NULL,
    refunded        bigint      NOT NULL,
    returned        bigint      NOT NULL,   -- by the customer, or by an operator for him
    expired         bigint      NOT NULL,   -- and not replaced since
    voided          bigint      NOT NULL,
    replaced        bigint      NOT NULL,   -- expired, and paid late: another ticket stands in their place
    granted         boolean     NOT NULL,
    extended        boolean     NOT NULL,
    corrupted       boolean     NOT NULL,   -- the log holds an event that contradicts the claim
    claim           uuid        NOT NULL,
    pool            text        COLLATE "C" NOT NULL,
    customer        text        COLLATE "C" NOT NULL,
    state           text        COLLATE "C" NOT NULL,   -- by the tickets alone: HELD while one is held; who reads looks at the deadline
    reference       text        COLLATE "C",
    labels          json,
    CONSTRAINT claims_pkey PRIMARY KEY (pool, claim)
);

-- One life of a ticket.
CREATE TABLE tickets (
    position          bigint      NOT NULL,   -- of its first event; never changes: pages are in this order
    last_position     bigint      NOT NULL,   -- of its last event
    claim_time        timestamptz NOT NULL,
    buy_time          timestamptz,
    release_time      timestamptz,
    refund_time       timestamptz,
    unit_price        bigint      NOT NULL,   -- in minor units of the pool's currency
    pricing_version   bigint      NOT NULL,
    granted           boolean     NOT NULL,
    corrupted         boolean     NOT NULL,   -- the log holds an event that contradicts the ticket
    ticket            uuid        NOT NULL,
    claim             uuid        NOT NULL,
    replaces          uuid,                   -- the ticket that had expired, in whose place this one was paid late
    replaced_by       uuid,
    pool              text        COLLATE "C" NOT NULL,
    customer          text        COLLATE "C" NOT NULL,
    state             text        COLLATE "C" NOT NULL,   -- HELD, BOUGHT, RELEASED, REFUNDED
    release_cause     text        COLLATE "C",            -- CUSTOMER, OPERATOR, EXPIRED, STOPPED, CANCELLED
    payment_reference text,
    grant_reason      text,
    refund_reason     text,
    CONSTRAINT tickets_pkey PRIMARY KEY (pool, ticket)
);

-- What ended all claims of a pool that held tickets then: a stop that voids, or the end of the pool.
CREATE TABLE claim_voids (
    position bigint      NOT NULL,
    time     timestamptz NOT NULL,
    pool     text        COLLATE "C" NOT NULL,
    cause    text        COLLATE "C" NOT NULL,   -- STOPPED, CANCELLED
    CONSTRAINT claim_voids_pkey PRIMARY KEY (pool, position)
);
