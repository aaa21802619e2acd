-- What was issued and presented, with client and origin as words, and each value's lifetime.
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

CREATE OR REPLACE TEMP TABLE lifetimes AS
SELECT client, origin, dialect, param, fingerprint, count(*) AS sightings,
       min(seen_us) AS first_us, max(seen_us) AS last_us
FROM (SELECT client, origin, dialect, param, fingerprint, begun AS seen_us FROM issues
      UNION ALL
      SELECT client, origin, dialect, param, fingerprint, request_start_us FROM requests)
GROUP BY ALL;
