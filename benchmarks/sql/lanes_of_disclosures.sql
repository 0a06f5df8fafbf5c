-- Each answer on any channel once per recipient that a disclosure on consent asks about and that it covers.
CREATE OR REPLACE TEMP VIEW lane_answers AS
WITH asked AS (
    SELECT DISTINCT person_id, purpose, recipient
    FROM disclosures
    WHERE basis = 'consent' AND disclosed_at >= getvariable('starts_at') AND disclosed_at < getvariable('ends_at')
)
SELECT
    person_id, purpose, 'any' AS channel, asked.recipient, action, answered_at, expires_at, notice_version
FROM answers JOIN asked USING (person_id, purpose)
WHERE channel = 'any' AND (answers.recipient IS NULL OR answers.recipient = asked.recipient);
