"""What ``herntrack.toml`` says, checked key by key.

A person edits that file, so whatever cannot be understood in it is refused with the key,
what was found and what was expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from herntrack.errors import WorkspaceError
from herntrack.model.timepoints import DEFAULT_WINDOWS, VisitWindow

SETTINGS_FILE = "herntrack.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRoot:
    """A folder of images under a name.

    Parameters
    ----------
    name : str
        Unique in the workspace.
    path : Path
        Absolute.
    only : tuple of str
        Files below `path` that were asked for; empty means the whole folder.
    patient_id : str
        Stands in for a missing PatientID of these files; empty if none was given.
    """

    name: str
    path: Path
    only: tuple[str, ...] = ()
    patient_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ``herntrack.toml`` says."""

    catalogue_url: str = ""
    rules: str = "default"
    primary_reader: str = ""
    windows: tuple[VisitWindow, ...] = DEFAULT_WINDOWS
    roots: tuple[ImageRoot, ...] = ()


def settings_of(document: Mapping[str, Any], folder: Path) -> Settings:
    """Return the settings of a parsed file.

    Parameters
    ----------
    document : mapping
        The parsed TOML.
    folder : Path
        The workspace's folder, which relative paths are relative to.

    Raises
    ------
    WorkspaceError
        If a key is unknown or its value is of another kind; the message names the key.
    """
    known = {"schema", "catalogue", "rules", "readers", "visits", "roots"}
    unknown = sorted(set(document) - known)
    if unknown:
        raise _bad(f"unknown table or key {unknown[0]!r}", f"one of {', '.join(sorted(known))}")
    if document.get("schema", 1) != 1:
        raise _bad(f"schema = {document['schema']!r}", "1 (is this herntrack older than the workspace?)")
    visits = _table(document, "visits")
    windows = _tables(visits, "windows", "visits.windows")
    return Settings(
        catalogue_url=_string(_table(document, "catalogue"), "url", "catalogue.url"),
        rules=_string(_table(document, "rules"), "name", "rules.name", default="default"),
        primary_reader=_string(_table(document, "readers"), "primary", "readers.primary"),
        windows=DEFAULT_WINDOWS if "windows" not in visits else tuple(_window(item) for item in windows),
        roots=_roots(_tables(document, "roots", "roots"), folder),
    )


def _window(item: Mapping[str, Any]) -> VisitWindow:
    expected = "name, first_day and last_day with 0 < first_day <= last_day"
    for key in ("first_day", "last_day"):
        if not isinstance(item.get(key), int) or isinstance(item[key], bool):
            raise _bad(f"{key} = {item.get(key)!r} in [[visits.windows]]", expected)
    try:
        return VisitWindow(
            name=_string(item, "name", "name in [[visits.windows]]"),
            first_day=item["first_day"],
            last_day=item["last_day"],
        )
    except ValueError as error:
        raise _bad(f"[[visits.windows]]: {error}", expected) from error


def _roots(items: Sequence[Mapping[str, Any]], folder: Path) -> tuple[ImageRoot, ...]:
    roots = tuple(_root(item, folder) for item in items)
    names = [root.name for root in roots]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise _bad(f"two [[roots]] with name = {doubled!r}", "a name of its own for each")
    return roots


def _root(item: Mapping[str, Any], folder: Path) -> ImageRoot:
    name, path = _string(item, "name", "name in [[roots]]"), _string(item, "path", "path in [[roots]]")
    if not name or not path:
        raise _bad("a root without name or path", 'name = "..." and path = "..."')
    only = item.get("only", [])
    if not isinstance(only, list) or not all(isinstance(each, str) for each in only):
        raise _bad(f"only = {only!r} in root {name!r}", 'a list of files, only = ["...", "..."]')
    return ImageRoot(
        name=name,
        path=(folder / path).resolve(),
        only=tuple(only),
        patient_id=_string(item, "patient_id", "patient_id in [[roots]]"),
    )


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key, {})
    if not isinstance(value, Mapping):
        raise _bad(f"{key} = {value!r}", f"a table [{key}]")
    return value


def _tables(document: Mapping[str, Any], key: str, shown: str) -> Sequence[Mapping[str, Any]]:
    value = document.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise _bad(f"{shown} = {value!r}", f"tables [[{shown}]]")
    return value


def _string(table: Mapping[str, Any], key: str, shown: str, *, default: str = "") -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise _bad(f"{shown} = {value!r}", "text in quotes")
    if "\0" in value:
        raise _bad(f"{shown} = {value!r}", "text without a NUL character")
    return value


def _bad(found: str, expected: str) -> WorkspaceError:
    return WorkspaceError(f"{SETTINGS_FILE}: {found}; expected {expected}")
