"""The index of a DICOM file set (DICOMDIR): which files it names.

Images are found by looking at the files, not at the index; the index tells what should be
there and is not.
"""

from __future__ import annotations

import warnings
from pathlib import Path


def files_named_by(index: Path) -> list[str] | None:
    """Return the files an index names, relative to its folder.

    Parameters
    ----------
    index : Path
        A DICOMDIR.

    Returns
    -------
    list of str or None
        Each file once, in the order of the index (ReferencedFileID, DICOM PS3.3 F.3.2.2); None if the
        file cannot be read as an index.
    """
    import pydicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # Not FileSet: it refuses an index whose files are missing, which is what is asked for.
            dataset = pydicom.dcmread(index, stop_before_pixels=True)
            records = dataset.DirectoryRecordSequence
            named = [_path_of(record.get("ReferencedFileID")) for record in records]
        except Exception:  # a damaged index fails in many ways, and all mean the same
            return None
    return list(dict.fromkeys(name for name in named if name))


def _path_of(file_id: object) -> str:
    if file_id is None:
        return ""
    parts = [file_id] if isinstance(file_id, str) else list(file_id)  # type: ignore[call-overload]
    return "/".join(str(part) for part in parts)
