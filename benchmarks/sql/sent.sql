-- The marketing messages of the period.
CREATE OR REPLACE TEMP VIEW sent AS
SELECT person_id, channel, campaign, sent_at
FROM messages
WHERE category = 'marketing' AND sent_at >= getvariable('starts_at') AND sent_at < getvariable('ends_at');
