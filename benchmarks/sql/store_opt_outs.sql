-- Each message beside what consent said at its sending; a withdraw with the instant from which it binds.
CREATE OR REPLACE TEMP VIEW found AS
SELECT
    m.channel, campaign, sent_at,
    CASE WHEN region LIKE 'US%' AND m.channel IN ('email', 'sms') THEN binds_at ELSE withdrawn_at END AS binding_from,
    CASE WHEN state <> 'never_asked' THEN sent_at END AS answered_at,
    state = 'withdrawn' AS is_withdrawn,
    CASE WHEN state = 'expired' THEN sent_at ELSE TIMESTAMP 'infinity' END AS expired_from,
    CASE WHEN state = 'outdated' THEN sent_at ELSE TIMESTAMP 'infinity' END AS outdated_from
FROM message_states m
LEFT JOIN people ON people.person = m.person AND state = 'withdrawn'
LEFT JOIN grace ON grace.day = CAST(withdrawn_at + INTERVAL 9 HOUR AS DATE)
WHERE sent_at >= getvariable('starts_at') AND sent_at < getvariable('ends_at');
