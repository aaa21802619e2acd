-- What a competent analyst would write by hand in DuckDB after seen.sql: the value that was visible
-- to each request by an ASOF join, and a verdict from comparing it. No race rule, no usage, no
-- priority, no channel, no implicit, no malformed, no scope, no in-flight.
CREATE OR REPLACE TEMP TABLE judged AS
SELECT r.exchange_id, r.dialect, r.param,
       CASE WHEN i.fingerprint IS NULL THEN 'none'
            WHEN i.fingerprint = r.fingerprint THEN 'honoured'
            ELSE 'stale' END AS verdict
FROM requests r ASOF LEFT JOIN issues i
  ON r.client = i.client AND r.origin = i.origin AND r.dialect = i.dialect AND r.param = i.param
 AND r.request_start_us >= i.visible;
