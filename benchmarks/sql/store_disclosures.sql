CREATE OR REPLACE TEMP VIEW asked_disclosures AS
SELECT * REPLACE (nullif(legal_reference, false) AS legal_reference, coalesce(is_granted, false) AS is_granted) RENAME (person AS person_id)
FROM disclosure_states;
