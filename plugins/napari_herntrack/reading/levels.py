"""What the room knows of a lesion's level, and how a reader confirms it.

Public: `level_knowledge`, `confirm_level`, `lock_words`, `image_words`, `LevelKnowledge`,
`CONFIRMED_HERE`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from herntrack.model.base_plane import Point
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Lesion
from herntrack.reading_room.level_lock import LevelLock, LevelStatus
from herntrack.workflows.levels.at_visits import disc_centres, level_lock
from herntrack.workflows.levels.confirming import confirm_level as record_level
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace
from napari_herntrack.texts import Texts

CONFIRMED_HERE = frozenset((LevelStatus.CONFIRMED, LevelStatus.CONTRADICTED))
"""Somebody confirmed the level at this very visit: another disc takes its place."""


def lock_words(lock: LevelLock, texts: Texts, *, is_blinded: bool = False) -> str:
    """Return a level in words, as it stands on the image.

    A blinded reader is not told who confirmed it, when and at which visit: that is mostly the first.
    """
    if is_blinded:
        key = "level.confirmed_blinded" if lock.is_locked else f"level.{lock.status.name.lower()}"
        if lock.status is LevelStatus.CONTRADICTED:
            key = "level.contradicted_blinded"
        return texts(key, level=lock.level.value)
    return texts(
        f"level.{lock.status.name.lower()}",
        level=lock.level.value,
        by=lock.by,
        on="" if lock.on is None else lock.on.isoformat(),
        visit="" if lock.visit_date is None else lock.visit_date.isoformat(),
        problem=texts.said(lock.problem),
    )


def image_words(lock: LevelLock, texts: Texts, *, is_blinded: bool = False) -> str:
    """Return a level in words as it stands on the pictures of both visits: who confirmed it, and when."""
    if lock.status is LevelStatus.CARRIED:
        lock = replace(lock, status=LevelStatus.CONFIRMED)
    return lock_words(lock, texts, is_blinded=is_blinded)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelKnowledge:
    """What is known of a lesion's level at a visit: the lock, and the disc's centre (LPS mm) if confirmed."""

    lock: LevelLock
    centre_lps: Point | None = None


def level_knowledge(workspace: Workspace, lesion: Lesion, each: CataloguedStack) -> LevelKnowledge:
    """Return what is known of a lesion's level on a stack."""
    visit_date = each.study.study_date
    if visit_date is None:
        return LevelKnowledge(lock=LevelLock(level=lesion.level, status=LevelStatus.UNKNOWN))
    with catalogue_of(workspace) as catalogue:
        lock = level_lock(workspace, catalogue, lesion.patient_id, visit_date, lesion.level)
        known = disc_centres(workspace, catalogue, lesion.patient_id, visit_date).get(lesion.level)
        centre = None
        if known is not None:
            is_same = catalogue.images.stack(known.stack_uid).frame == each.frame
            centre = known.centre_lps if is_same and lock.is_locked else None
    return LevelKnowledge(lock=lock, centre_lps=centre)


def confirm_level(
    workspace: Workspace,
    lesion: Lesion,
    each: CataloguedStack,
    *,
    point_lps: Point | None,
    reader: str,
    reason: str = "",
) -> LevelKnowledge:
    """Record that a reader names a disc, and return what is known then.

    Parameters
    ----------
    workspace : Workspace
        The project.
    lesion : Lesion
        Its level is the disc's name.
    each : CataloguedStack
        What was looked at.
    point_lps : tuple of float or None
        The disc's centre (LPS mm); None takes the disc that is proposed.
    reader : str
        Who says so.
    reason : str
        Why what was confirmed at this visit is given up; empty if nothing is.

    Raises
    ------
    HerntrackError
        If it contradicts what was confirmed before.
    """
    record_level(
        workspace,
        lesion.patient_id,
        lesion.level,
        reader=reader,
        point_lps=point_lps,
        stack_uid=each.stack.stack_uid,
        is_replacing=bool(reason),
        reason=reason,
    )
    return level_knowledge(workspace, lesion, each)
