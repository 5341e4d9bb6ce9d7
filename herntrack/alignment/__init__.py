"""Rigid alignment of a follow-up to its baseline: transform, residual, overlap, verdict."""
