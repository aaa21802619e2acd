-- What a competent analyst would write by hand in DuckDB: the value that was visible to each request
-- by an ASOF join, a verdict from comparing it, and each value's lifetime. No race rule, no usage,
-- no priority, no channel, no implicit, no malformed, no scope, no in-flight.
CREATE OR REPLACE TEMP TABLE issues AS
SELECT concat(coalesce(e.peer, '-'), ' | ', coalesce(e.user_agent, '-')) AS client,
       concat(e.scheme, '://', e.host, ':', e.port) AS origin,
       i.dialect, i.param, i.fingerprint, e.response_start_us AS begun,
       e.response_end_us + 250000 AS visible
FROM issued i JOIN exchanges e USING (exchange_id);

CREATE OR REPLACE TEMP TABLE requests AS
SELECT concat(coalesce(e.peer, '-'), ' | ', coalesce(e.user_agent, '-')) AS client,
       concat(e.scheme, '://', e.host, ':', e.port) AS origin,
       p.exchange_id, p.dialect, p.param, p.fingerprint, e.request_start_us
FROM presented p JOIN exchanges e USING (exchange_id);

CREATE OR REPLACE TEMP TABLE judged AS
SELECT r.exchange_id, r.dialect, r.param,
       CASE WHEN i.fingerprint IS NULL THEN 'none'
            WHEN i.fingerprint = r.fingerprint THEN 'honoured'
            ELSE 'stale' END AS verdict
FROM requests r ASOF LEFT JOIN issues i
  ON r.client = i.client AND r.origin = i.origin AND r.dialect = i.dialect AND r.param = i.param
 AND r.request_start_us >= i.visible;

CREATE OR REPLACE TEMP TABLE lifetimes AS
SELECT client, origin, dialect, param, fingerprint, count(*) AS sightings,
       min(seen_us) AS first_us, max(seen_us) AS last_us
FROM (SELECT client, origin, dialect, param, fingerprint, begun AS seen_us FROM issues
      UNION ALL
      SELECT client, origin, dialect, param, fingerprint, request_start_us FROM requests)
GROUP BY ALL;
