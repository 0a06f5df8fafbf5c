-- Each answer once per channel that coverage is measured for and that it covers.
CREATE OR REPLACE TEMP VIEW lane_answers AS
SELECT
    person_id, purpose, recipient, action, answered_at, expires_at, notice_version,
    unnest(CASE WHEN purpose = 'marketing' AND channel = 'any' THEN ['email', 'sms'] ELSE [channel] END) AS channel
FROM answers
WHERE recipient IS NULL AND (purpose = 'marketing' OR channel = 'any');
