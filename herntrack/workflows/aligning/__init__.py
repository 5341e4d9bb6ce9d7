"""A patient's follow-ups laid onto the baseline, and what counts of it."""
