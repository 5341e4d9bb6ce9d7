"""What is new, changed, back, moved or gone among the files, against what the catalogue knows.

All of it is arithmetic on sets of names: a second look at an unchanged tree costs little more
than walking it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass

from herntrack.catalogue.files import FileKey
from herntrack.dicom.archives import is_archive_name
from herntrack.workflows.rooted_files import RootedFile, Walk
from herntrack.workflows.settings import ImageRoot

MEMBER_SIGN = "!"
"""Stands between the name of an archive and that of a member."""


@dataclass(slots=True, kw_only=True)
class FileChanges:
    """How a walk differs from what is known.

    Parameters
    ----------
    fresh : list of RootedFile
        New, changed, or to be read again for a reason of the caller's.
    returned : set of (str, str)
        Missing until now, and there again as they were.
    vanished : set of (str, str)
        Known, and not there any more.
    moved : set of (str, str)
        Known under another root than the one that holds them now, while the same files are fresh;
        members of archives that changed or are gone. What was known of these is forgotten.
    changed : set of (str, str)
        Fresh ones that were known.
    emptied : list of ImageRoot
        Roots of which nothing that was known is left.
    """

    fresh: list[RootedFile]
    returned: set[FileKey]
    vanished: set[FileKey]
    moved: set[FileKey]
    changed: set[FileKey]
    emptied: list[ImageRoot]


def file_changes(
    walk: Walk,
    known: Mapping[FileKey, tuple[int, int]],
    *,
    missing: Collection[FileKey],
    roots: Sequence[ImageRoot],
    reread: Collection[FileKey] = (),
) -> FileChanges:
    """Compare a walk with what is known.

    Parameters
    ----------
    walk : Walk
        What was found.
    known : mapping
        Bytes and modification time of every known file.
    missing : collection of (str, str)
        Known files that were gone before.
    roots : sequence of ImageRoot
        The workspace's roots.
    reread : collection of (str, str)
        Files that are read again although they did not change.
    """
    if not known:
        return FileChanges(
            fresh=list(walk.files), returned=set(), vanished=set(), moved=set(), changed=set(), emptied=[]
        )
    again = set(reread)
    keys = [(root.name, relative) for root, relative, _ in walk.files]
    here = set(keys)
    fresh = [
        rooted
        for key, rooted in zip(keys, walk.files, strict=True)
        if known.get(key) != (rooted[2].size, rooted[2].mtime_ns) or key in again
    ]
    new_keys = {(root.name, relative) for root, relative, _ in fresh}
    vanished, moved = _gone(walk, known.keys() - here, here, new_keys, roots)
    vanished -= set(missing)
    alive = {key[0] for key in here & known.keys()} if vanished else set()
    emptied = {key[0] for key in vanished if key[0] not in alive}
    return FileChanges(
        fresh=fresh,
        returned=(here & set(missing)) - new_keys,
        vanished=vanished,
        moved=moved,
        changed=new_keys & known.keys(),
        emptied=[root for root in roots if root.name in emptied],
    )


def _gone(
    walk: Walk, unseen: set[FileKey], here: set[FileKey], fresh: set[FileKey], roots: Sequence[ImageRoot]
) -> tuple[set[FileKey], set[FileKey]]:
    """Tell what became of known files that were not met: those that vanished, those known elsewhere now."""
    vanished: set[FileKey] = set()
    moved: set[FileKey] = set()
    if not unseen:
        return vanished, moved
    by_name = {root.name: root for root in roots}
    paths = {file.path for _, _, file in walk.files}
    walked = tuple(f"{folder}{os.sep}" for folder in walk.folders)
    hidden = tuple(f"{folder}{os.sep}" for folder in walk.unlisted)
    single = set(walk.single)
    unchanged = here - fresh
    for key in unseen:
        root = by_name.get(key[0])
        if root is None or is_member_of(key, unchanged):
            continue
        path = f"{root.path}{os.sep}{key[1]}"
        if path in paths or is_member_of(key, fresh):
            moved.add(key)
        elif (path.startswith(walked) or path in single) and not path.startswith(hidden):
            vanished.add(key)
    members = {key for key in vanished if is_member_of(key, vanished)}
    return vanished - members, moved | members


def is_member_of(file: FileKey, archives: Container[FileKey]) -> bool:
    """Return whether a name is that of a member of one of these archives."""
    root, path = file
    at = path.find(MEMBER_SIGN)
    while at >= 0:
        if is_archive_name(path[:at]) and (root, path[:at]) in archives:
            return True
        at = path.find(MEMBER_SIGN, at + 1)
    return False
