"""Lumbar phantoms, imaged as scanners do, for the sample cohort."""
