"""How long one simulated patient takes on one core, and how large it is.

Run by hand: ``python benchmarks/bench_sample.py``. The limit is 10 s a patient.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from pathlib import Path

N_PATIENTS = 3
LIMIT_S = 10.0


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from herntrack.phantoms.cohort import generate_cohort

    with tempfile.TemporaryDirectory() as scratch:
        started = time.perf_counter()
        generate_cohort(Path(scratch), n_patients=N_PATIENTS, seed=7)
        seconds = (time.perf_counter() - started) / N_PATIENTS
        size = sum(path.stat().st_size for path in Path(scratch).rglob("*") if path.is_file()) / N_PATIENTS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"seconds a patient (3 visits, one core): {seconds:.1f}   limit {LIMIT_S:.0f}")
    print(f"megabytes a patient: {size / 1e6:.1f}   peak memory: {peak:.0f} MB")


if __name__ == "__main__":
    main()
