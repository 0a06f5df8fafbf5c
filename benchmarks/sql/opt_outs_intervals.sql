CREATE OR REPLACE TEMP VIEW found AS
SELECT sent.channel, campaign, sent_at, answered_at, is_withdrawn, binding_from, expired_from, outdated_from
FROM sent
LEFT JOIN runs
    ON sent.person_id = runs.person_id AND sent.channel = runs.channel
    AND runs.answered_at <= sent.sent_at AND sent.sent_at < runs.until;
