"""Use cases: each takes a workspace, owns its transaction and returns a record of what it did."""
