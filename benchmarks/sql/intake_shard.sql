-- One shard of the sorted rows. `PARTITION_BY` would be quicker, and would leave every other file out of order.
COPY (SELECT * FROM ordered WHERE person >> {bits} = {shard}) TO '{target}' (FORMAT parquet, ROW_GROUP_SIZE 250000);
