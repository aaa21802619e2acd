-- The same verdicts as asof.sql with one window over issues and requests together.
CREATE OR REPLACE TEMP TABLE judged AS
SELECT exchange_id, dialect, param,
       CASE WHEN known IS NULL THEN 'none'
            WHEN known = presented THEN 'honoured'
            ELSE 'stale' END AS verdict
FROM (SELECT *, last_value(issued IGNORE NULLS) OVER (
                PARTITION BY client, origin, dialect, param ORDER BY at_us, is_request
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS known
      FROM (SELECT client, origin, dialect, param, visible AS at_us, false AS is_request,
                   fingerprint AS issued, NULL AS presented, NULL AS exchange_id
            FROM issues
            UNION ALL
            SELECT client, origin, dialect, param, request_start_us, true,
                   NULL, fingerprint, exchange_id
            FROM requests))
WHERE is_request;
