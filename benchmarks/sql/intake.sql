-- Ids of people hashed, rows cut into shards by the hash and sorted by person and time.
COPY (
    SELECT * EXCLUDE (person_id), CAST('0x' || substr(sha256(getvariable('key') || person_id), 1, 16) AS UBIGINT) AS person,
        person >> 60 AS shard
    FROM {table}
    ORDER BY person, {instant}
) TO '{target}' (FORMAT parquet, PARTITION_BY (shard), ROW_GROUP_SIZE 250000);
