WITH judged AS (
    SELECT
        date_trunc('month', sent_at + INTERVAL 9 HOUR) AS month, channel, campaign,
        CASE
            WHEN is_withdrawn AND binding_from < sent_at THEN 'after_opt_out'
            WHEN is_withdrawn THEN 'in_grace'
            WHEN answered_at IS NULL THEN 'no_consent'
            WHEN expired_from <= sent_at THEN 'expired'
            WHEN outdated_from <= sent_at THEN 'outdated'
            ELSE 'permitted'
        END AS verdict
    FROM found
)
SELECT
    strftime(month, '%Y-%m') AS month, channel, campaign, count(*) AS messages,
    count(*) FILTER (verdict = 'after_opt_out') AS after_opt_out,
    count(*) FILTER (verdict = 'in_grace') AS in_grace,
    count(*) FILTER (verdict = 'no_consent') AS no_consent,
    count(*) FILTER (verdict = 'expired') AS expired,
    count(*) FILTER (verdict = 'outdated') AS outdated,
    count(*) FILTER (verdict = 'permitted') AS permitted
FROM judged
GROUP BY judged.month, channel, campaign;
