"""The charts: aggregated tables in, Altair charts out; sentences and finished tables beside them."""
