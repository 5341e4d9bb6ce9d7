"""Discs along the lumbar spine: found from one or two that a person named, or from other tools' labels."""
