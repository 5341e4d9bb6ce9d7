"""Whether everything the workspace says still stands."""

from __future__ import annotations

from dataclasses import dataclass

from herntrack.catalogue.session import Catalogue
from herntrack.readings.store import ReadingStore
from herntrack.workflows.progress import Progress, silent
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace

LISTED_FILES = 5
"""Missing or changed files of one root that are named before the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSummary:
    """What was looked at, and what is wrong; empty `problems` means that all is well."""

    n_images: int
    n_readings: int
    problems: tuple[str, ...]


def check(workspace: Workspace, *, progress: Progress = silent) -> CheckSummary:
    """Compare the catalogue with the images and the store of readings.

    Parameters
    ----------
    workspace : Workspace
        The project.
    progress : callable
        Called with (stage, done, total).

    Returns
    -------
    CheckSummary
        Images that are missing or changed, readings whose files are missing or altered, and
        rows that do not match the store; each with what to do.
    """
    store = ReadingStore(workspace.readings_folder)
    with catalogue_of(workspace) as catalogue:
        problems = _image_problems(workspace, catalogue, progress)
        problems += [f"{found.file}: {found.message}" for found in store.verify()]
        problems += _row_problems(catalogue, store)
        n_images = catalogue.images.counts().instances
        n_readings = len(catalogue.followup.readings())
    return CheckSummary(n_images=n_images, n_readings=n_readings, problems=tuple(problems))


def _image_problems(workspace: Workspace, catalogue: Catalogue, progress: Progress) -> list[str]:
    missing: dict[str, list[str]] = {}
    changed: dict[str, list[str]] = {}
    locations = catalogue.images.instance_locations()
    for done, location in enumerate(locations.values(), start=1):
        path = workspace.locate(location.root, location.relative_path)
        if not path.is_file():
            missing.setdefault(location.root, []).append(location.relative_path)
        elif (path.stat().st_size, path.stat().st_mtime_ns) != (location.size, location.mtime_ns):
            changed.setdefault(location.root, []).append(location.relative_path)
        progress("images", done, len(locations))
    problems = []
    for root, names in sorted(missing.items()):
        where = workspace.root(root).path
        problems.append(
            f"{len(names)} images are missing under root {root!r} ({where}): {_some(names)};"
            f" if the folder was moved: herntrack roots move {root} NEWPATH"
        )
    for root, names in sorted(changed.items()):
        problems.append(
            f"{len(names)} images changed under root {root!r} since they were catalogued: {_some(names)};"
            " run herntrack ingest on them again"
        )
    return problems


def _row_problems(catalogue: Catalogue, store: ReadingStore) -> list[str]:
    problems = []
    in_rows = {reading.reading_uid: reading for reading in catalogue.followup.readings()}
    in_store = {reading.reading_uid: reading for reading in store.readings()}
    for uid in sorted(in_rows.keys() ^ in_store.keys()):
        where = "catalogue" if uid in in_rows else "store"
        problems.append(f"reading {uid} is in the {where} only; run herntrack rebuild")
    for uid in sorted(in_rows.keys() & in_store.keys()):
        if in_rows[uid] != in_store[uid]:
            problems.append(f"reading {uid} differs between catalogue and store; run herntrack rebuild")
    known_lesions = {lesion.lesion_uid for lesion in catalogue.followup.lesions()}
    for uid in sorted(known_lesions ^ {lesion.lesion_uid for lesion in store.lesions()}):
        problems.append(f"lesion {uid} is not in both catalogue and store; run herntrack rebuild")
    return problems


def _some(names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:LISTED_FILES])
    return shown if len(names) <= LISTED_FILES else f"{shown} and {len(names) - LISTED_FILES} more"
