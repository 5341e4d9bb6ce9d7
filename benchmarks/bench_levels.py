"""How exactly the other discs are proposed from one or two named ones.

Run by hand: ``python benchmarks/bench_levels.py [--seeds 200-219]``. Computed patients: T1 and T2,
slices of 3, 4 and 5 mm, fields that often cut the spine, other pose, matrix, noise, coil and degenerated
discs. Real anatomy: the lumbar MR and CT beside the checkout, whole and re-posed (the implanted set).
A named point is off its disc's centre by 3 mm (standard deviation, each axis), in the last row of each
group by 14 mm more, up into the vertebra. The parameters were set on seeds 100 to 119 and 300 to 303 and
on the two real volumes; every other seed is fresh.

Of each proposal, in the midsagittal plane: distance of its centre and of its posterior corners from the truth
(median and 95th percentile, mm); whether it lies nearer to another disc than to its own or 15 mm off, and
whether it was called doubtful; and how far it is off to the side. Shown discs that were
not proposed are counted: `cut` where the field ends within 10 mm of the disc, `missed` elsewhere.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from itertools import chain

import numpy as np
from level_cases import LevelCase, computed_levels, real_levels

from herntrack.levels.propose import propose_discs
from herntrack.levels.records import Confidence
from herntrack.model.base_plane import body_axes
from herntrack.model.vocabulary import Level

NAMED_SD_MM = 3.0
CUT_MM = 10.0
RAISED_MM = 14.0
"""Nearly halfway to the next disc: what is counted from there may be one vertebra off, and has to say so."""

STARTS = {
    "one (L5-S1)": (Level.L5_S1,),
    "one (L4-L5)": (Level.L4_L5,),
    "one (L1-L2)": (Level.L1_L2,),
    "two (L5-S1, L2-L3)": (Level.L5_S1, Level.L2_L3),
    "two (L4-L5, L3-L4)": (Level.L4_L5, Level.L3_L4),
    "in the bone (L4-L5)": (Level.L4_L5,),
}


def on_stack(case: LevelCase, point: np.ndarray) -> np.ndarray:
    """Return the nearest point of the stack: a person points at what is shown."""
    geometry = case.volume.geometry
    return geometry.index_to_lps(np.clip(geometry.lps_to_index(point), 0, np.array(geometry.shape_zyx) - 1))


class Tally:
    def __init__(self) -> None:
        self.centres: list[float] = []
        self.corners: list[float] = []
        self.sideways: list[float] = []
        self.without_corners = self.off_clear = self.off_doubtful = self.doubtful = self.n = 0
        self.cut = self.missed = self.runs = 0
        self.seconds = 0.0

    def add(self, case: LevelCase, name: str, rng: np.random.Generator) -> None:
        start = STARTS[name]
        up = body_axes(case.volume.geometry)[2] * (RAISED_MM if "bone" in name else 0.0)
        named = {
            level: on_stack(case, case.centres[level] + up + rng.normal(0, NAMED_SD_MM, 3)) for level in start
        }
        begun = time.process_time()
        found = {each.level: each for each in propose_discs(case.volume, named)}
        self.seconds += time.process_time() - begun
        self.runs += 1
        for level, room in case.room_mm.items():
            if level not in found and level in case.centres:
                self.cut += 0 < room <= CUT_MM
                self.missed += room > CUT_MM
        for level, each in found.items():
            if level in case.centres and level not in start:
                self.count(case, level, each)

    def join(self, other: Tally) -> None:
        """Add what another tally counted."""
        for key, value in vars(other).items():
            setattr(self, key, getattr(self, key) + value)

    def count(self, case: LevelCase, level: Level, each) -> None:
        self.n += 1
        doubtful = each.confidence is Confidence.DOUBTFUL
        self.doubtful += doubtful
        distances = {other: case.in_plane(np.array(each.centre_lps) - c) for other, c in case.centres.items()}
        if min(distances, key=distances.get) is not level or distances[level] > 15.0:
            self.off_doubtful += doubtful
            self.off_clear += not doubtful
            return
        self.centres.append(distances[level])
        self.sideways.append(case.sideways(np.array(each.centre_lps) - case.centres[level]))
        if each.base_plane is None:
            self.without_corners += 1
        elif level in case.corners:
            ends = zip(each.base_plane.corners_lps, case.corners[level], strict=True)
            self.corners += [case.in_plane(np.array(got) - true) for got, true in ends]

    def line(self) -> str:
        def spread(values: list[float]) -> str:
            return f"{np.median(values):5.2f} {np.percentile(values, 95):6.2f}" if values else "    -      -"

        return (
            f"{self.runs:5d} {self.n:6d}  {spread(self.centres)}  {spread(self.sideways)}"
            f"  {spread(self.corners)} {self.without_corners:8d} {self.doubtful:9d} {self.off_clear:10d}"
            f" {self.off_doubtful:12d} {self.missed:7d} {self.cut:5d} {self.seconds / max(self.runs, 1):7.2f}"
        )


HEAD = (
    f"{'':44s} {'runs':>5s} {'discs':>6s}  {'centre':>12s}  {'sideways':>12s}  {'corners':>12s}"
    f" {'no plane':>8s} {'doubtful':>9s} {'off, clear':>10s} {'off, doubted':>12s} {'missed':>7s}"
    f" {'cut':>5s} {'cpu s':>7s}"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="200-219", help="first-last, of computed patients")
    first, last = (int(part) for part in parser.parse_args().seeds.split("-"))
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    rng = np.random.default_rng(5)
    seeds = range(first, last + 1)
    for case in chain(real_levels(), chain.from_iterable(computed_levels(seed) for seed in seeds)):
        for name, start in STARTS.items():
            # A person names what is seen: the whole disc lies in the field.
            if all(case.room_mm.get(level, 0.0) > 6.0 for level in start):
                tally = Tally()
                tally.add(case, name, np.random.default_rng(rng.integers(2**32)))
                for group in (case.group, f"all {case.group.split()[0]}"):
                    tallies[group, name].join(tally)
    print(HEAD)
    for (group, name), tally in sorted(tallies.items()):
        print(f"{group:22s} {name:21s} {tally.line()}")


if __name__ == "__main__":
    main()
