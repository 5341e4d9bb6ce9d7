"""What the reader does in the room, without a window: worklist, level, outline, words, saving."""
