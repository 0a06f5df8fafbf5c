WITH known AS (
    SELECT
        request_id, kind, received_at, verified_at,
        CASE WHEN closed_at < getvariable('as_of') THEN closed_at END AS closed_at,
        CASE WHEN closed_at < getvariable('as_of') THEN outcome END AS outcome
    FROM requests
    WHERE received_at < getvariable('as_of')
),
clipped AS (
    SELECT
        request_id, greatest(paused_at, received_at) AS from_at,
        least(resumed_at, closed_at, getvariable('as_of')) AS to_at,
        closed_at IS NULL AND (resumed_at IS NULL OR resumed_at >= getvariable('as_of')) AS is_paused
    FROM request_pauses JOIN known USING (request_id)
    WHERE paused_at < getvariable('as_of')
),
paused AS (
    SELECT request_id, from_at, least(to_at, from_at + getvariable('longest_pause')) AS to_at, is_paused
    FROM clipped WHERE from_at < to_at
),
told AS (
    SELECT
        known.*,
        epoch_us(coalesce(closed_at, getvariable('as_of'))) - epoch_us(received_at) AS gross,
        coalesce(epoch_us(to_at) - epoch_us(from_at), 0) AS paused,
        CAST(received_at + INTERVAL 9 HOUR AS DATE) + CAST(promised_days AS INTEGER) + CAST(coalesce(
            CAST(to_at + INTERVAL 9 HOUR AS DATE) - CAST(from_at + INTERVAL 9 HOUR AS DATE), 0
        ) AS INTEGER) AS due_on,
        coalesce(is_paused, false) AS is_paused
    FROM known JOIN promised USING (kind) LEFT JOIN paused USING (request_id)
),
flags AS (
    SELECT
        kind, outcome, gross, gross - paused AS net, closed_at IS NULL AS is_open, is_paused,
        received_at >= getvariable('starts_at') AND received_at < getvariable('ends_at') AS is_received,
        CAST(due_on + 1 AS TIMESTAMP) - INTERVAL 9 HOUR AS due_at,
        due_at > getvariable('starts_at') AND due_at <= getvariable('ends_at')
            AND outcome IS DISTINCT FROM 'withdrawn' AS is_due,
        coalesce(closed_at < due_at, false) AS in_time,
        NOT is_open AND outcome IS DISTINCT FROM 'withdrawn' AND is_received AS is_answered,
        coalesce(outcome IN ('fulfilled', 'partly_fulfilled'), NOT is_open) AND is_received
            AND kind IN (SELECT kind FROM identified)
            AND NOT coalesce(verified_at <= closed_at, false) AS is_unverified
    FROM told
),
grouped AS (
    SELECT * FROM flags WHERE is_received OR is_due
    UNION ALL
    SELECT * REPLACE ('all' AS kind) FROM flags WHERE is_received OR is_due
),
moments AS (
    SELECT kind, net, count(*) FILTER (is_answered) AS events, count(*) AS leaving
    FROM grouped WHERE is_received GROUP BY kind, net
),
at_risk AS (
    SELECT
        kind, net, events,
        sum(leaving) OVER (PARTITION BY kind ORDER BY net DESC ROWS UNBOUNDED PRECEDING) AS at_risk
    FROM moments
),
curve AS (
    SELECT
        kind, net,
        product(1 - events / at_risk) OVER (PARTITION BY kind ORDER BY net ROWS UNBOUNDED PRECEDING) AS survival
    FROM at_risk
),
percentiles AS (
    SELECT
        kind,
        min(net) FILTER (survival <= 0.5 + 1e-9) / 86400000000 AS p50_days,
        min(net) FILTER (survival <= 0.1 + 1e-9) / 86400000000 AS p90_days,
        min(net) FILTER (survival <= 0.05 + 1e-9) / 86400000000 AS p95_days
    FROM curve GROUP BY kind
),
counted AS (
    SELECT
        kind,
        count(*) FILTER (is_received) AS received,
        count(*) FILTER (is_received AND outcome = 'fulfilled') AS fulfilled,
        count(*) FILTER (is_received AND outcome = 'partly_fulfilled') AS partly_fulfilled,
        count(*) FILTER (is_received AND outcome = 'denied') AS denied,
        count(*) FILTER (is_received AND outcome = 'withdrawn') AS withdrawn,
        count(*) FILTER (is_received AND outcome = 'unverifiable') AS unverifiable,
        count(*) FILTER (is_received AND NOT is_open AND outcome IS NULL) AS outcome_unknown,
        count(*) FILTER (is_received AND is_open) AS "open",
        count(*) FILTER (is_due) AS due,
        count(*) FILTER (is_due AND in_time) AS on_time,
        count(*) FILTER (is_due AND NOT is_open AND NOT in_time) AS late,
        count(*) FILTER (is_due AND is_open) AS overdue_open,
        count(*) FILTER (is_unverified) AS unverified_answers,
        count(*) FILTER (is_received AND is_paused) AS paused_open,
        median(net) FILTER (is_answered) / 86400000000 AS answered_median_days,
        sum(net) FILTER (is_answered) / (count(*) FILTER (is_answered) * 86400000000) AS answered_mean_days,
        median(gross) FILTER (is_answered) / 86400000000 AS answered_median_gross_days
    FROM grouped GROUP BY kind
)
SELECT 'APPI' AS regime, * FROM counted LEFT JOIN percentiles USING (kind);
