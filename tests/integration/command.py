"""The command as a person types it: real output, real exit codes, inside this process."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from herntrack.cli.app import main


@dataclass(frozen=True)
class Done:
    """What a command wrote."""

    stdout: str
    stderr: str


class Herntrack:
    """Runs the command in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: object, code: int = 0) -> Done:
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.delenv("HERNTRACK_WORKSPACE", raising=False)
            patch.setattr(sys, "argv", ["herntrack", *map(str, words)])
            with pytest.raises(SystemExit) as ended:
                main()
        found = ended.value.code or 0
        assert found == code, f"exit {found}\n{out.getvalue()}\n{err.getvalue()}"
        return Done(stdout=out.getvalue(), stderr=err.getvalue())

    def json(self, *words: object, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code).stdout)


def write_nifti(path: Path, stack: dict[str, Any], mask_zyx: np.ndarray) -> Path:
    """Write a mask as NIfTI by nibabel, from the listing alone: [col, row, slice] and RAS."""
    affine = np.array(stack["affine_lps"])[:, [2, 1, 0, 3]]
    nibabel.save(
        nibabel.Nifti1Image(mask_zyx.transpose(2, 1, 0).astype(np.uint8), np.diag([-1, -1, 1, 1]) @ affine),
        path,
    )
    return path


def block(n_rows: int) -> np.ndarray:
    mask = np.zeros((5, 40, 40), dtype=bool)
    mask[1:4, 10 : 10 + n_rows, 10:25] = True
    return mask
