"""The metrics: pure functions of one shard's frames whose parts add up to small tables."""
