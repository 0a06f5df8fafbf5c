CREATE OR REPLACE TEMP VIEW asked_disclosures AS
WITH states AS (
    SELECT *, lead(answered_at, 1, TIMESTAMP 'infinity') OVER (
        PARTITION BY person_id, purpose, recipient ORDER BY answered_at
    ) AS until
    FROM moments
)
SELECT disclosures.*, coalesce(
    NOT is_withdrawn AND expired_from > disclosed_at AND outdated_from > disclosed_at, false
) AS is_granted
FROM disclosures
LEFT JOIN states
    ON disclosures.basis = 'consent' AND disclosures.person_id = states.person_id
    AND disclosures.purpose = states.purpose AND disclosures.recipient = states.recipient
    AND states.answered_at <= disclosures.disclosed_at AND disclosures.disclosed_at < states.until;
