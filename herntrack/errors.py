"""Every error herntrack raises on purpose.

::

    HerntrackError
    ├── DicomError               a file or an object that DICOM does not allow, or that we do not read
    │   ├── NotDicomError
    │   └── MissingAttributeError
    ├── GeometryError            (also ValueError)
    │   ├── IrregularSpacingError
    │   └── GeometryMismatchError
    ├── VocabularyError          (also ValueError) a word that is not in the field's list
    ├── MeasurementError         (also ValueError) a number that cannot be a lesion's volume, day or error
    ├── RuleSetError             a rule file that cannot decide an outcome
    ├── VolumeTableError         a table of volumes that cannot be read
    ├── CatalogueError
    │   ├── SchemaVersionError
    │   ├── RecordNotFoundError
    │   └── AmbiguousChoiceError
    ├── WorkspaceError           no workspace, or one whose settings cannot be read
    ├── ReadingError             a reading that may not be stored
    │   └── SignedReadingError   a signed reading that may not be replaced, or one that may not be signed
    ├── DraftError               a draft that cannot be kept, opened or recovered
    │   └── DraftInUseError      another window has it open
    ├── LevelError               a disc that was named where it cannot be, or against what is confirmed
    ├── AlignmentRefusedError    an alignment that is missing or has failed, so that nothing is carried by it
    ├── ReportError
    └── MissingDependencyError   names the extra to install

A message says what was wrong, the value, the limit, and what to do next. It never
holds a patient's name or birth date. Libraries raise; only the command line and the
widgets catch.
"""

from __future__ import annotations

from pathlib import Path


class HerntrackError(Exception):
    """Base of every error that herntrack raises on purpose."""


class DicomError(HerntrackError):
    """A DICOM file or object cannot be used.

    Parameters
    ----------
    message : str
        What was wrong and what to do.
    path : Path, optional
        The file.
    sop_instance_uid : str, optional
        The object.
    """

    def __init__(
        self,
        message: str,
        *,
        path: Path | None = None,
        sop_instance_uid: str | None = None,
    ) -> None:
        super().__init__(message)
        self.path = path
        self.sop_instance_uid = sop_instance_uid


class NotDicomError(DicomError):
    """The file is no DICOM file."""


class MissingAttributeError(DicomError):
    """A DICOM attribute that is needed is absent or empty."""


class GeometryError(HerntrackError, ValueError):
    """Positions, orientations or spacings make no usable volume."""


class IrregularSpacingError(GeometryError):
    """Slices are missing, doubled or unevenly spaced."""


class GeometryMismatchError(GeometryError):
    """Two grids that must be the same are not."""


class VocabularyError(HerntrackError, ValueError):
    """A word is not one of the field's terms."""


class MeasurementError(HerntrackError, ValueError):
    """A number that no lesion can have, or too few of them to say anything."""


class RuleSetError(HerntrackError):
    """A rule file is incomplete or contradicts itself."""


class VolumeTableError(HerntrackError):
    """A table of volumes cannot be read."""


class CatalogueError(HerntrackError):
    """The catalogue cannot do what was asked."""


class SchemaVersionError(CatalogueError):
    """The catalogue was written by another version of herntrack."""


class RecordNotFoundError(CatalogueError):
    """Nothing in the catalogue has that identifier."""


class AmbiguousChoiceError(CatalogueError):
    """Several records fit; the message lists them and the option that settles it."""


class WorkspaceError(HerntrackError):
    """There is no workspace here, or its settings cannot be read."""


class ReadingError(HerntrackError):
    """A reading may not be stored as given."""


class SignedReadingError(ReadingError):
    """A signed reading may not be replaced, or a reading may not be signed."""


class DraftError(HerntrackError):
    """A reader's unsaved work cannot be kept, opened or recovered."""


class DraftInUseError(DraftError):
    """Another window has the draft open."""


class LevelError(HerntrackError):
    """A disc was named where it cannot be, or against what is confirmed."""


class AlignmentRefusedError(HerntrackError):
    """An alignment that is needed is missing or has failed."""


class RemnantInDoubtError(HerntrackError):
    """It can be told neither what is left of a fragment nor that nothing is."""


class ReportError(HerntrackError):
    """A report cannot be made."""


class MissingDependencyError(HerntrackError):
    """An optional dependency is not installed.

    Parameters
    ----------
    package : str
        The distribution that is missing.
    extra : str
        The extra of herntrack that brings it.
    """

    def __init__(self, package: str, *, extra: str) -> None:
        super().__init__(f"{package} is not installed; install it with: pip install 'herntrack[{extra}]'")
        self.package = package
        self.extra = extra
