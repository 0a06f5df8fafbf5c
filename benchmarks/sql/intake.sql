-- Ids of people hashed, rows sorted by person and time: a shard is a stretch of them.
CREATE OR REPLACE TEMP TABLE ordered AS
SELECT * EXCLUDE (person_id), CAST('0x' || substr(sha256(getvariable('key') || person_id), 1, 16) AS UBIGINT) AS person
FROM {table}
ORDER BY person, {instant};
