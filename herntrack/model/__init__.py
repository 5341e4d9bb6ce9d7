"""The domain as frozen records and plain geometry; numpy only."""
