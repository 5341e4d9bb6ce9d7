"""From a mask to a volume, its error, the state of a visit and the outcome of a lesion.

Read in this order; each module uses only those above it:

========================  ==========================================================
`rules`                   every threshold, read from a versioned TOML file
`error_model`             sigma of a volume, interval of a change, site calibration
`measure`                 mask and grid -> volume, fragments, diameters
`visits`                  the facts that an outcome is decided from
`decision`                the rules themselves, once, on arrays
`outcome`                 one lesion -> visit states, outcome, reason, flags
`stability`               the same rules on redrawn volumes
`sensitivity`             the same rules with other thresholds
`records`                 which of several readings stands for a visit
`followup`                readings of one lesion -> baseline and visits
========================  ==========================================================

numpy and scipy only. Units stand in every name; volumes are mm3, days count from baseline.
An outcome describes images, not pain.
"""
