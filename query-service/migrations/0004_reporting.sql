-- Reports for people with SQL, and for report engines: documented views, which the service makes (docs/reporting.md).
CREATE SCHEMA IF NOT EXISTS reporting;

-- What the views were made by: they are made anew only when that changes, since it waits for every report under way.
CREATE TABLE onsale_query.reporting (
    one        boolean NOT NULL DEFAULT true,
    definition text    NOT NULL,
    CONSTRAINT reporting_pkey PRIMARY KEY (one),
    CONSTRAINT reporting_one_check CHECK (one)
);
