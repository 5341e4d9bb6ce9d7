"""What a reader does at a visit: proposed, painted, saved, accepted, signed."""
