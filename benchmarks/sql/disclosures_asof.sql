CREATE OR REPLACE TEMP VIEW asked_disclosures AS
SELECT on_consent.*, coalesce(
    NOT is_withdrawn AND expired_from > disclosed_at AND outdated_from > disclosed_at, false
) AS is_granted
FROM (SELECT * FROM disclosures WHERE basis = 'consent') AS on_consent
ASOF LEFT JOIN moments
    ON on_consent.person_id = moments.person_id AND on_consent.purpose = moments.purpose
    AND on_consent.recipient = moments.recipient AND on_consent.disclosed_at >= moments.answered_at
UNION ALL
SELECT *, false FROM disclosures WHERE basis <> 'consent';
