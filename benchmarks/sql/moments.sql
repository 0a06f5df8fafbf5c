-- What was decided at each instant of a lane; the weakest of the grants that share an instant counts.
CREATE OR REPLACE TEMP VIEW moments AS
SELECT
    person_id, purpose, channel, recipient, answered_at,
    bool_or(action = 'withdraw') AS is_withdrawn,
    bool_or(action = 'grant') AS has_grant,
    coalesce(min(least(expires_at, answered_at + valid_for)) FILTER (action = 'grant'), 'infinity') AS expired_from,
    coalesce(
        min(CASE WHEN lists_notices THEN coalesce(notice_until, TIMESTAMP '0001-01-01') END)
            FILTER (action = 'grant'),
        'infinity'
    ) AS outdated_from
FROM lane_answers
JOIN validity USING (purpose)
LEFT JOIN notices USING (purpose, notice_version)
GROUP BY ALL;
