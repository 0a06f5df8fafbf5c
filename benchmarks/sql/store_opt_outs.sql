-- Each message beside the one interval that answers for its channel; a withdraw with the instant from which it binds.
CREATE OR REPLACE TEMP VIEW found AS
WITH states AS (
    SELECT s.*, region LIKE 'US%' AS is_in_us, grace.binds_at
    FROM consent_states s
    LEFT JOIN people ON people.person = s.person AND state = 'withdrawn'
    LEFT JOIN grace ON grace.day = CAST(withdrawn_at + INTERVAL 9 HOUR AS DATE)
    WHERE purpose = 'marketing' AND recipient IS NULL
)
SELECT
    m.channel, campaign, sent_at,
    CASE WHEN is_in_us AND m.channel IN ('email', 'sms') THEN binds_at ELSE withdrawn_at END AS binding_from,
    CASE WHEN state <> 'never_asked' THEN since END AS answered_at,
    state = 'withdrawn' AS is_withdrawn,
    CASE WHEN state = 'expired' THEN since ELSE TIMESTAMP 'infinity' END AS expired_from,
    CASE WHEN state = 'outdated' THEN since ELSE TIMESTAMP 'infinity' END AS outdated_from
FROM messages m
LEFT JOIN states
    ON m.person = states.person AND since <= sent_at AND sent_at < until
    AND covers & (CASE m.channel WHEN 'email' THEN 2 WHEN 'sms' THEN 4 ELSE 32 END) <> 0
WHERE category = 'marketing' AND sent_at >= getvariable('starts_at') AND sent_at < getvariable('ends_at');
