-- A person's lane of the recipient answers, and where there is none the lane of no recipient.
CREATE OR REPLACE TEMP VIEW asked_disclosures AS
WITH on_consent AS (
    SELECT d.*, own.person IS NOT NULL AS has_own
    FROM disclosures d
    LEFT JOIN (SELECT DISTINCT person, purpose, recipient FROM consent_states WHERE recipient IS NOT NULL) own
        USING (person, purpose, recipient)
    WHERE basis = 'consent'
),
answered AS (
    SELECT on_consent.* EXCLUDE (has_own), coalesce(state = 'granted', false) AS is_granted
    FROM on_consent
    LEFT JOIN (SELECT * FROM consent_states WHERE covers & 1 <> 0) s
        ON s.person = on_consent.person AND s.purpose = on_consent.purpose
        AND since <= disclosed_at AND disclosed_at < until
        AND s.recipient IS NOT DISTINCT FROM (CASE WHEN has_own THEN on_consent.recipient END)
)
SELECT * REPLACE (nullif(legal_reference, false) AS legal_reference) RENAME (person AS person_id)
FROM (SELECT * FROM answered UNION ALL SELECT *, false FROM disclosures WHERE basis <> 'consent');
