"""What the catalogue holds and what is to be done, as rows for a table, JSON or CSV."""
