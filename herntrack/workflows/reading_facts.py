"""What the rules ask of a stack and of a reading, taken from the catalogue's records."""

from __future__ import annotations

from dataclasses import replace

from herntrack.model.images import CataloguedStack
from herntrack.model.records import Measurement, Reading
from herntrack.volumetrics.comparability import Protocol
from herntrack.volumetrics.records import ReadingFact


def protocol_of_stack(each: CataloguedStack) -> Protocol:
    """Return how a stack was imaged."""
    stack = each.stack
    _, row_mm, column_mm = stack.geometry.spacing_zyx
    return Protocol(
        modality=each.series.modality,
        plane=stack.plane,
        slice_spacing_mm=_slice_spacing_mm(each),
        pixel_spacings_mm=(row_mm, column_mm),
        weighting=stack.weighting,
        field_strength_tesla=each.series.magnetic_field_strength,
        tilt_degrees=stack.geometry.tilt_degrees,
        is_regular=stack.is_regular,
        role=stack.role,
        is_lumbar=stack.is_lumbar,
    )


def reading_fact(
    reading: Reading, measurement: Measurement | None, each: CataloguedStack | None
) -> ReadingFact:
    """Return a reading with its numbers, if it was measured, and its stack, if it is catalogued."""
    fact = ReadingFact(
        reading_uid=reading.reading_uid,
        visit_date=reading.visit_date,
        reader=reading.reader,
        status=reading.status,
        volume_mm3=None if measurement is None else measurement.volume_mm3,
        modality=reading.modality,
        plane=None,
        slice_spacing_mm=None,
        pixel_spacing_mm=None,
        stack_uid=reading.stack_uid,
        created_at=reading.created_at,
        is_proposed=reading.is_proposed,
    )
    if each is None:
        return fact
    protocol = protocol_of_stack(each)
    _, row_mm, column_mm = each.stack.geometry.spacing_zyx
    return replace(
        fact,
        plane=protocol.plane,
        slice_spacing_mm=protocol.slice_spacing_mm,
        pixel_spacing_mm=row_mm,
        pixel_spacing_column_mm=column_mm,
        weighting=protocol.weighting,
        field_strength_tesla=protocol.field_strength_tesla,
        tilt_degrees=protocol.tilt_degrees,
        is_regular=protocol.is_regular,
        role=protocol.role,
    )


def _slice_spacing_mm(each: CataloguedStack) -> float | None:
    # One slice has no neighbour, so no distance to it.
    geometry = each.stack.geometry
    return geometry.slice_spacing_mm if geometry.shape_zyx[0] > 1 else None
