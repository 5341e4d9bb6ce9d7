"""From files to the catalogue: what is found, read, copied, compared and written."""
