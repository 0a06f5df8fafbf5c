-- Moments until the next of their lane; a withdraw with the first of its unbroken run, and from when that one binds.
CREATE OR REPLACE TEMP VIEW runs AS
WITH neighbours AS (
    SELECT
        *,
        lead(answered_at, 1, TIMESTAMP 'infinity') OVER lane AS until,
        is_withdrawn AND (has_grant OR NOT lag(is_withdrawn, 1, false) OVER lane) AS begins_run
    FROM moments
    WINDOW lane AS (PARTITION BY person_id, channel ORDER BY answered_at)
),
begun AS (
    SELECT
        *,
        last_value(CASE WHEN begins_run THEN answered_at END IGNORE NULLS) OVER (
            PARTITION BY person_id, channel ORDER BY answered_at
        ) AS withdrawn_at
    FROM neighbours
)
SELECT
    begun.*,
    CASE
        WHEN region LIKE 'US%' AND channel IN ('email', 'sms') THEN grace.binds_at
        ELSE withdrawn_at
    END AS binding_from
FROM begun
LEFT JOIN people ON people.person_id = begun.person_id AND begun.is_withdrawn
LEFT JOIN grace ON grace.day = CAST(withdrawn_at + INTERVAL 9 HOUR AS DATE);
