"""The reading room without its window: painting, drafts that survive, live numbers, suggestions."""
