"""Where a point of one visit lies at another, well enough to show the place.

A rigid registration of whole stacks by mutual information (Mattes 2003, IEEE TMI 22:120),
from several starts, because a patient is repositioned by more than the method's reach
from one. It finds the place to some millimetres. It is not a base for measuring: bones
move against each other, and nothing here says whether the result is one vertebra off.
"""

from __future__ import annotations

import numpy as np
import SimpleITK

from herntrack._typing import Affine4x4
from herntrack.errors import GeometryError
from herntrack.imaging.sitk_bridge import to_sitk
from herntrack.imaging.volume import Volume

STARTS_MM = (0.0, -18.0, 18.0)
"""Offsets along the body from which the search begins (mm), half a vertebra's height apart."""

WORKING_SPACING_MM = 2.0
"""In-plane spacing of the coarse images that are registered (mm); finer shows the same place."""

SAMPLING_SEED = 20240531
"""The same images give the same place."""


def rough_alignment(fixed: Volume, moving: Volume) -> Affine4x4:
    """Return the matrix that takes a point of one stack's patient space to the other's.

    Parameters
    ----------
    fixed : Volume
        Where points come from.
    moving : Volume
        Where they go.

    Returns
    -------
    ndarray of float64, shape (4, 4)
        Rigid, LPS millimetres to LPS millimetres.

    Raises
    ------
    GeometryError
        If a stack is sheared, or the stacks never overlap.
    """
    target, source = _coarse(fixed), _coarse(moving)
    found: list[tuple[float, SimpleITK.Transform]] = []
    for offset_mm in STARTS_MM:
        try:
            found.append(_registered(target, source, _start(target, source, offset_mm)))
        except RuntimeError:
            # From this start the images do not overlap, or lose each other on the way.
            continue
    if not found:
        raise GeometryError("the two stacks do not overlap from any start, so no place can be carried over")
    return _matrix(min(found, key=lambda each: each[0])[1])


def _coarse(volume: Volume) -> SimpleITK.Image:
    image = SimpleITK.Cast(to_sitk(volume), SimpleITK.sitkFloat32)
    factors = [max(1, round(WORKING_SPACING_MM / spacing)) for spacing in image.GetSpacing()]
    return SimpleITK.BinShrink(image, factors)


def _start(target: SimpleITK.Image, source: SimpleITK.Image, offset_mm: float) -> SimpleITK.Transform:
    centred = SimpleITK.CenteredTransformInitializer(
        target, source, SimpleITK.Euler3DTransform(), SimpleITK.CenteredTransformInitializerFilter.MOMENTS
    )
    start = SimpleITK.Euler3DTransform(centred)
    start.SetTranslation([float(v) for v in np.add(start.GetTranslation(), (0.0, 0.0, offset_mm))])
    return start


def _registered(
    target: SimpleITK.Image, source: SimpleITK.Image, start: SimpleITK.Transform
) -> tuple[float, SimpleITK.Transform]:
    method = SimpleITK.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(numberOfHistogramBins=32)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(0.3, SAMPLING_SEED)
    method.SetInterpolator(SimpleITK.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0, minStep=0.02, numberOfIterations=80, relaxationFactor=0.6
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([2, 1])
    method.SetSmoothingSigmasPerLevel([3.0, 0.0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    # Several threads add up in an order of their own; one gives the same place every time.
    method.SetNumberOfThreads(1)
    method.SetInitialTransform(start, inPlace=False)
    transform = method.Execute(target, source)
    return float(method.GetMetricValue()), transform


def _matrix(transform: SimpleITK.Transform) -> Affine4x4:
    matrix = np.eye(4)
    origin = np.asarray(transform.TransformPoint((0.0, 0.0, 0.0)))
    for axis in range(3):
        unit = [0.0, 0.0, 0.0]
        unit[axis] = 1.0
        matrix[:3, axis] = np.asarray(transform.TransformPoint(unit)) - origin
    matrix[:3, 3] = origin
    return matrix
