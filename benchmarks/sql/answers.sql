-- Every answer about consent; a request to opt out of marketing is a withdraw on any channel.
CREATE OR REPLACE TEMP VIEW answers AS
SELECT person_id, purpose, channel, recipient, action, answered_at, expires_at, notice_version
FROM consent_events
WHERE answered_at < getvariable('as_of')
UNION ALL
SELECT person_id, 'marketing', 'any', NULL, 'withdraw', received_at, NULL, NULL
FROM requests
WHERE kind = 'marketing_opt_out' AND received_at < getvariable('as_of');
