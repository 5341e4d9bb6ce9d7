"""What the reading room shows where, without a window: geometry, windows, stacks, loading."""
