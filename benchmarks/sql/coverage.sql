WITH states AS (
    SELECT
        person_id, purpose, channel, is_withdrawn, answered_at AS since,
        least(
            expired_from, outdated_from,
            lead(answered_at, 1, TIMESTAMP 'infinity') OVER (
                PARTITION BY person_id, purpose, channel ORDER BY answered_at
            )
        ) AS until
    FROM moments
),
members AS (
    SELECT person_id, purpose, channel, opened_at, coalesce(closed_at, TIMESTAMP 'infinity') AS closed_at
    FROM people JOIN asked USING (kind)
),
spans AS (
    SELECT purpose, channel, opened_at AS from_at, closed_at AS to_at, 1 AS people, 0 AS granted
    FROM members
    UNION ALL
    SELECT purpose, channel, greatest(opened_at, since), least(closed_at, until), 0, 1
    FROM members JOIN states USING (person_id, purpose, channel)
    WHERE NOT is_withdrawn
),
real AS (
    SELECT * FROM spans WHERE from_at < to_at AND to_at >= getvariable('starts_at')
),
changes AS (
    SELECT purpose, channel, greatest(from_at, getvariable('starts_at')) AS changed_at, people, granted
    FROM real WHERE from_at < getvariable('ends_at')
    UNION ALL
    SELECT purpose, channel, to_at, -people, -granted
    FROM real WHERE to_at < getvariable('ends_at')
),
daily AS (
    SELECT CAST(changed_at + INTERVAL 9 HOUR AS DATE) AS date, purpose, channel, sum(people) AS people, sum(granted) AS granted
    FROM changes GROUP BY ALL
),
grid AS (
    SELECT date, purpose, channel FROM days CROSS JOIN (SELECT DISTINCT purpose, channel FROM asked)
)
SELECT
    date, purpose, channel,
    sum(coalesce(people, 0)) OVER lane AS people,
    sum(coalesce(granted, 0)) OVER lane AS granted
FROM grid LEFT JOIN daily USING (date, purpose, channel)
WINDOW lane AS (PARTITION BY purpose, channel ORDER BY date);
