"""Shape of one simulated lumbar spine.

Built from the sacrum upwards in the midsagittal plane: every endplate has a centre and a tilt,
vertebrae and discs stand between endplates. Points are LPS millimetres in the patient's own frame:
x to the left (0 on the midline), y to the back, z to the head; the centre of L3 is near the origin.
A tilt is positive when the endplate falls forwards, as that of S1 does.

Sizes and angles are round values near the published means of adults; each patient deviates a little.

Public: `Anatomy`, `Vertebra`, `Disc`, `build_anatomy`, `with_vertebrae`,
`DISC_LEVELS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.interpolate import PchipInterpolator

from herntrack._typing import FloatArray
from herntrack.model.vocabulary import Level

VERTEBRAE = ("S3", "S2", "S1", "L5", "L4", "L3", "L2", "L1", "T12", "T11")
"""From below upwards."""

DISC_LEVELS = {
    "S1": Level.L5_S1,
    "L5": Level.L4_L5,
    "L4": Level.L3_L4,
    "L3": Level.L2_L3,
    "L2": Level.L1_L2,
    "L1": Level.T12_L1,
}
"""Level of the disc that stands on a vertebra."""

_TILTS = {  # upper and lower endplate, degrees, for a sacral slope of 38
    "S3": (66.0, 72.0),
    "S2": (55.0, 64.0),
    "S1": (38.0, 53.0),
    "L5": (15.0, 27.0),
    "L4": (5.0, 9.0),
    "L3": (-4.0, -1.0),
    "L2": (-11.0, -9.0),
    "L1": (-15.0, -14.0),
    "T12": (-17.0, -17.0),
    "T11": (-17.0, -17.0),
}
_BODIES = {  # height at the centre, depth, width (mm)
    "S3": (20.0, 16.0, 34.0),
    "S2": (24.0, 20.0, 42.0),
    "S1": (29.0, 31.0, 50.0),
    "L5": (27.0, 35.0, 51.0),
    "L4": (27.5, 35.0, 49.0),
    "L3": (28.0, 34.5, 47.0),
    "L2": (27.5, 33.5, 45.0),
    "L1": (26.5, 32.0, 43.0),
    "T12": (25.0, 30.5, 41.0),
    "T11": (23.0, 29.0, 39.0),
}
_DISC_HEIGHTS = {  # of the disc above the vertebra (mm)
    "S3": 1.5,
    "S2": 3.0,
    "S1": 10.0,
    "L5": 11.5,
    "L4": 11.0,
    "L3": 10.0,
    "L2": 9.0,
    "L1": 7.5,
    "T12": 6.0,
}

POSTERIOR_CONCAVITY_MM = 1.6
"""How far the back wall of a body lies in front of the line between its corners (mm)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endplate:
    """One endplate: centre (y, z) and tilt."""

    centre_yz: FloatArray
    tilt_degrees: float

    @property
    def up_yz(self) -> FloatArray:
        """Unit normal towards the head."""
        tilt = np.radians(self.tilt_degrees)
        return np.array([-np.sin(tilt), np.cos(tilt)])

    @property
    def back_yz(self) -> FloatArray:
        """Unit vector along the endplate towards the back."""
        tilt = np.radians(self.tilt_degrees)
        return np.array([np.cos(tilt), np.sin(tilt)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vertebra:
    """A vertebra between its two endplates."""

    name: str
    upper: Endplate
    lower: Endplate
    upper_depth_mm: float
    lower_depth_mm: float
    width_mm: float

    @property
    def frame(self) -> Endplate:
        """Centre and mean tilt."""
        return Endplate(
            centre_yz=(self.upper.centre_yz + self.lower.centre_yz) / 2,
            tilt_degrees=(self.upper.tilt_degrees + self.lower.tilt_degrees) / 2,
        )

    @property
    def height_mm(self) -> float:
        """Height at the centre."""
        return float(np.linalg.norm(self.upper.centre_yz - self.lower.centre_yz))

    @property
    def is_sacral(self) -> bool:
        """Whether it is part of the sacrum."""
        return self.name.startswith("S")

    def posterior_corner(self, *, is_upper: bool) -> FloatArray:
        """Return the (y, z) of a posterior corner on the midline."""
        plate, depth = (self.upper, self.upper_depth_mm) if is_upper else (self.lower, self.lower_depth_mm)
        return np.asarray(plate.centre_yz + plate.back_yz * depth / 2, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Disc:
    """A disc between two vertebrae."""

    level: Level | None
    above: Vertebra
    below: Vertebra
    height_mm: float
    degeneration: int
    """0 bright nucleus, 1 grey, 2 dark."""

    @property
    def frame(self) -> Endplate:
        """Centre and mean tilt."""
        return Endplate(
            centre_yz=(self.above.lower.centre_yz + self.below.upper.centre_yz) / 2,
            tilt_degrees=(self.above.lower.tilt_degrees + self.below.upper.tilt_degrees) / 2,
        )

    @property
    def posterior_corners_yz(self) -> tuple[FloatArray, FloatArray]:
        """Lower posterior corner of the vertebra above, upper one of the vertebra below."""
        return self.above.posterior_corner(is_upper=False), self.below.posterior_corner(is_upper=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anatomy:
    """The spine of one patient and the curve of the canal's front wall."""

    seed: int
    vertebrae: dict[str, Vertebra]
    discs: tuple[Disc, ...]
    wall_z: FloatArray
    wall_y: FloatArray
    subcutaneous_mm: float
    fatty_infiltration: float
    canal_depth_mm: float
    _wall: PchipInterpolator = field(repr=False)

    def disc(self, level: Level) -> Disc:
        """Return the disc at a level."""
        return next(disc for disc in self.discs if disc.level is level)

    def wall(self, z: FloatArray) -> FloatArray:
        """Return y of the canal's front wall at each z (mm)."""
        low, high = self.wall_z[0], self.wall_z[-1]
        return np.asarray(self._wall(np.clip(z, low, high)), dtype=np.float64)

    def wall_slope(self, z: FloatArray) -> FloatArray:
        """Return the smoothed dy/dz of the front wall (no unit)."""
        span = 8.0
        return np.asarray((self.wall(z + span) - self.wall(z - span)) / (2 * span), dtype=np.float64)


def build_anatomy(seed: int, *, diseased: tuple[Level, ...] = ()) -> Anatomy:
    """Return the spine that belongs to a seed.

    Parameters
    ----------
    seed : int
        Any integer; the same gives the same spine.
    diseased : tuple of Level
        Levels whose disc is degenerated (dark and a little lower).
    """
    rng = np.random.default_rng([seed, 1])
    size = float(rng.uniform(0.95, 1.05))
    slope = float(rng.uniform(35.0, 38.5))
    bend = float(rng.uniform(0.85, 1.1))
    vertebrae: dict[str, Vertebra] = {}
    discs: list[Disc] = []
    point, previous = np.zeros(2), None
    for name in VERTEBRAE:
        # Lumbar tilts scale with the curve; sacral ones follow the sacral slope.
        upper_tilt, lower_tilt = (
            slope + (t - 38.0) * (1.0 if name.startswith("S") else bend) for t in _TILTS[name]
        )
        lower = Endplate(centre_yz=point, tilt_degrees=lower_tilt)
        height, depth, width = (value * size * rng.uniform(0.98, 1.02) for value in _BODIES[name])
        mean = np.radians((upper_tilt + lower_tilt) / 2)
        point = point + height * np.array([-np.sin(mean), np.cos(mean)])
        upper = Endplate(centre_yz=point, tilt_degrees=upper_tilt)
        lower_depth = depth * (0.68 if name == "S1" else 0.86 if name.startswith("S") else 1.0)
        vertebra = Vertebra(
            name=name,
            upper=upper,
            lower=lower,
            upper_depth_mm=depth,
            lower_depth_mm=lower_depth,
            width_mm=width,
        )
        vertebrae[name] = vertebra
        if previous is not None:
            discs.append(_disc(previous, vertebra, rng, diseased))
        if name in _DISC_HEIGHTS:
            thickness = _DISC_HEIGHTS[name] * size * rng.uniform(0.93, 1.07)
            if DISC_LEVELS.get(name) in diseased:
                thickness *= 0.85
            next_name = VERTEBRAE[VERTEBRAE.index(name) + 1]
            next_tilt = slope + (_TILTS[next_name][1] - 38.0) * (1.0 if next_name.startswith("S") else bend)
            mean = np.radians((upper_tilt + next_tilt) / 2)
            point = point + thickness * np.array([-np.sin(mean), np.cos(mean)])
        previous = vertebra
    return _centred(seed, vertebrae, discs, rng)


def _disc(below: Vertebra, above: Vertebra, rng: np.random.Generator, diseased: tuple[Level, ...]) -> Disc:
    level = DISC_LEVELS.get(below.name)
    degeneration = int(rng.choice([0, 0, 1])) if level not in diseased else 2
    height = float(np.linalg.norm(above.lower.centre_yz - below.upper.centre_yz))
    return Disc(level=level, above=above, below=below, height_mm=height, degeneration=degeneration)


def _centred(
    seed: int, vertebrae: dict[str, Vertebra], discs: list[Disc], rng: np.random.Generator
) -> Anatomy:
    shift = -vertebrae["L4"].upper.centre_yz
    moved = {name: _moved(vertebra, shift) for name, vertebra in vertebrae.items()}
    placed = tuple(
        Disc(
            level=disc.level,
            above=moved[disc.above.name],
            below=moved[disc.below.name],
            height_mm=disc.height_mm,
            degeneration=disc.degeneration,
        )
        for disc in discs
    )
    wall = _wall_knots(moved)
    return Anatomy(
        seed=seed,
        vertebrae=moved,
        discs=placed,
        wall_z=wall[:, 1],
        wall_y=wall[:, 0],
        subcutaneous_mm=float(rng.uniform(14.0, 30.0)),
        fatty_infiltration=float(rng.uniform(0.1, 0.5)),
        canal_depth_mm=float(rng.uniform(17.0, 19.5)),
        _wall=PchipInterpolator(wall[:, 1], wall[:, 0]),
    )


def _wall_knots(vertebrae: dict[str, Vertebra]) -> FloatArray:
    """Return (y, z) of the canal's front wall from below upwards, three for each vertebra."""
    knots = []
    for name in VERTEBRAE:
        vertebra = vertebrae[name]
        low, high = vertebra.posterior_corner(is_upper=False), vertebra.posterior_corner(is_upper=True)
        middle = (low + high) / 2 - vertebra.frame.back_yz * POSTERIOR_CONCAVITY_MM
        knots += [low, middle, high]
    return np.array(knots)


def with_vertebrae(anatomy: Anatomy, vertebrae: dict[str, Vertebra]) -> Anatomy:
    """Return a spine whose vertebrae stand elsewhere; discs and canal follow.

    Parameters
    ----------
    anatomy : Anatomy
        The spine as it was.
    vertebrae : dict
        Every vertebra by name, from below upwards.
    """
    discs = tuple(
        replace(
            disc,
            above=vertebrae[disc.above.name],
            below=vertebrae[disc.below.name],
            height_mm=float(
                np.linalg.norm(
                    vertebrae[disc.above.name].lower.centre_yz - vertebrae[disc.below.name].upper.centre_yz
                )
            ),
        )
        for disc in anatomy.discs
    )
    wall = _wall_knots(vertebrae)
    return replace(
        anatomy,
        vertebrae=vertebrae,
        discs=discs,
        wall_z=wall[:, 1],
        wall_y=wall[:, 0],
        _wall=PchipInterpolator(wall[:, 1], wall[:, 0]),
    )


def _moved(vertebra: Vertebra, shift_yz: FloatArray) -> Vertebra:
    return Vertebra(
        name=vertebra.name,
        upper=Endplate(
            centre_yz=vertebra.upper.centre_yz + shift_yz, tilt_degrees=vertebra.upper.tilt_degrees
        ),
        lower=Endplate(
            centre_yz=vertebra.lower.centre_yz + shift_yz, tilt_degrees=vertebra.lower.tilt_degrees
        ),
        upper_depth_mm=vertebra.upper_depth_mm,
        lower_depth_mm=vertebra.lower_depth_mm,
        width_mm=vertebra.width_mm,
    )
