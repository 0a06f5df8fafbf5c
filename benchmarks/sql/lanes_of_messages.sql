-- Each marketing answer once per channel that it covers.
CREATE OR REPLACE TEMP VIEW lane_answers AS
SELECT
    person_id, purpose, recipient, action, answered_at, expires_at, notice_version,
    unnest(CASE channel WHEN 'any' THEN ['email', 'sms', 'push'] ELSE [channel] END) AS channel
FROM answers
WHERE purpose = 'marketing' AND recipient IS NULL;
