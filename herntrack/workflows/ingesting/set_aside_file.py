"""What was not copied into the workspace, in a file beside the copies.

The sources of copies are no roots: they may be gone tomorrow. So a rebuilt catalogue has this
from the file, not from them.
"""

from __future__ import annotations

import json
import os

from herntrack.errors import WorkspaceError
from herntrack.model.images import FileLocation, Reject
from herntrack.workflows.workspace import COPIES_FILE, SCRATCH_FOLDER, Workspace

NO_ROOT = ""
"""Root of files that were only copied from: their path is absolute."""


def load_set_aside(workspace: Workspace) -> dict[str, Reject]:
    """Return what was not copied, by absolute path.

    Raises
    ------
    WorkspaceError
        If the file that says so was damaged.
    """
    path = workspace.folder / COPIES_FILE
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {
            name: Reject(
                location=FileLocation(root=NO_ROOT, relative_path=name, size=size, mtime_ns=mtime_ns),
                code=code,
                reason=reason,
            )
            for name, size, mtime_ns, code, reason in entries
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(
            f"{path} cannot be read ({error}); delete it: only the list of files that were not copied is lost"
        ) from error


def save_set_aside(workspace: Workspace, rejects: dict[str, Reject]) -> None:
    """Write down what was not copied; the file is the old one or the new one, never half of it."""
    entries = [
        [name, reject.location.size, reject.location.mtime_ns, reject.code, reject.reason]
        for name, reject in sorted(rejects.items())
    ]
    path = workspace.folder / COPIES_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = workspace.folder / SCRATCH_FOLDER / path.name
    scratch.parent.mkdir(exist_ok=True)
    with scratch.open("w", encoding="utf-8") as file:
        json.dump({"schema": 1, "files": entries}, file, indent=0, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
