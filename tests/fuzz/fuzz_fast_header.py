"""Looks for bytes on which the fast reader crashes, hangs or disagrees with pydicom.

Run by hand with atheris, which the project does not depend on:
``python tests/fuzz/fuzz_fast_header.py CORPUS_FOLDER -max_total_time=900 -timeout=5``.
An empty corpus folder is filled with seeds first. What it finds belongs into
``tests/unit/dicom/test_fast_header.py``.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

READERS = [f"herntrack.dicom.{name}" for name in ("fast_header", "elements", "element_walk", "plain_values")]

with atheris.instrument_imports(include=READERS):
    from herntrack.dicom.fast_header import PlainReader, read_plain_header

from herntrack.dicom.headers import SetAside, read_header  # noqa: E402 - after what is instrumented
from tests.unit.dicom.plain_files import seeds  # noqa: E402

FOLDER = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())  # noqa: S108
SCRATCH = FOLDER / f"fuzz-{os.getpid()}.dcm"
KEPT = PlainReader()
"""Reads every input, so that what it learnt from one meets the next."""


def check(data: bytes) -> None:
    SCRATCH.write_bytes(data)
    alone, kept = (read_plain_header(str(SCRATCH), len(data), reader) for reader in (PlainReader(), KEPT))
    if len(KEPT.kinds) > 1000:
        KEPT.forget()
    if repr(alone) != repr(kept):
        raise RuntimeError(f"what was read before changed the answer: {alone} {kept}")
    if alone is None:
        return
    try:
        thorough = read_header(SCRATCH)
    except SetAside as refusal:
        raise RuntimeError(f"pydicom sets it aside: {refusal.code} {refusal.reason}") from refusal
    if repr(thorough) != repr(alone):
        raise RuntimeError(f"pydicom reads it otherwise: {thorough} {alone}")


def main() -> None:
    logging.disable(logging.CRITICAL)
    corpus = next((Path(each) for each in sys.argv[1:] if not each.startswith("-")), None)
    if corpus is not None and not corpus.is_file():
        corpus.mkdir(parents=True, exist_ok=True)
        if not any(corpus.iterdir()):
            for number, seed in enumerate(seeds()):
                (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
