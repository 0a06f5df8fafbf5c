WITH told AS (
    SELECT
        person_id, d.recipient, r.kind AS recipient_kind, r.country, basis, is_granted, is_recorded,
        legal_reference, purpose, CAST(disclosed_at + INTERVAL 9 HOUR AS DATE) AS disclosed_on
    FROM asked_disclosures d LEFT JOIN recipients r ON r.recipient = d.recipient
    WHERE disclosed_at >= getvariable('starts_at') AND disclosed_at < getvariable('ends_at')
),
found AS (
    SELECT
        *,
        CASE
            WHEN recipient_kind IS NULL THEN 'unknown_recipient'
            WHEN basis NOT IN (
                'consent', 'law', 'entrustment', 'joint_use', 'succession', 'opt_out_notice', 'vital_interest'
            ) THEN 'unknown_basis'
            WHEN basis = 'consent' AND NOT is_granted THEN 'no_consent'
            WHEN basis IN ('entrustment', 'joint_use') AND NOT EXISTS (
                SELECT 1 FROM contracts c
                WHERE c.recipient = told.recipient AND is_confidential AND is_equal_standard
                    AND starts_on <= disclosed_on AND (ends_on IS NULL OR ends_on >= disclosed_on)
            ) THEN 'no_contract'
            WHEN basis = 'law' AND legal_reference IS NULL THEN 'no_legal_reference'
            WHEN basis IN ('consent', 'opt_out_notice') AND is_recorded IS DISTINCT FROM true THEN 'not_recorded'
            WHEN purpose NOT IN (SELECT purpose FROM declared) THEN 'undeclared_purpose'
            ELSE 'in_order'
        END AS finding
    FROM told
)
SELECT
    recipient, recipient_kind, country, count(*) AS disclosures, count(DISTINCT person_id) AS people,
    count(*) FILTER (finding = 'unknown_recipient') AS unknown_recipient,
    count(*) FILTER (finding = 'unknown_basis') AS unknown_basis,
    count(*) FILTER (finding = 'no_consent') AS no_consent,
    count(*) FILTER (finding = 'no_contract') AS no_contract,
    count(*) FILTER (finding = 'no_legal_reference') AS no_legal_reference,
    count(*) FILTER (finding = 'not_recorded') AS not_recorded,
    count(*) FILTER (finding = 'undeclared_purpose') AS undeclared_purpose,
    count(*) FILTER (finding = 'in_order') AS in_order
FROM found
GROUP BY recipient, recipient_kind, country;
