"""Exports in one file: zip and tar, unpacked without trusting them.

Members are written under names of our own, so no path in an archive can lead out of the
folder; links and devices are never made; an archive that claims or turns out to be a
bomb is refused before it fills the disk.
"""

from __future__ import annotations

import errno
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from herntrack.errors import DicomError

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""Names that are taken for archives."""

MOST_MEMBERS = 1_000_000
"""More members than this are no export (count)."""

MOST_BYTES = 200 * 1024**3
"""A larger content is no export (bytes)."""

LARGEST_RATIO = 200.0
"""Content is at most this many times the archive (no unit); real images shrink by 2 to 10."""

RATIO_COUNTS_FROM_BYTES = 64 * 1024**2
"""Below this content the ratio says nothing: an empty picture shrinks a thousandfold (bytes)."""

DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError),
    *(OSError, RuntimeError, ValueError),
)
"""What the standard library raises for archives that are none or are cut."""

DISK_TROUBLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.ENOENT})
"""Errors of the disk that is read or written."""

TAR_COMPRESSIONS = {b"\x1f\x8b": "r:gz", b"BZh": "r:bz2", b"\xfd7zXZ\0": "r:xz"}
"""How a compressed tar begins, and how the standard library opens it; any other is taken for a plain one."""

TAR_BLOCK_BYTES = 512
"""The head of a member; two of zeros end an archive (POSIX pax, bytes)."""

CHUNK_BYTES = 1024 * 1024
"""Read at once (bytes)."""

Progress = Callable[[int, int], None]


class ArchiveRefusedError(DicomError):
    """An archive is not unpacked at all.

    Parameters
    ----------
    message : str
        What was wrong and what to do.
    code : str
        A short stable word: ``archive_damaged``, ``archive_bomb`` or ``archive_encrypted``.
    path : Path
        The archive.
    """

    def __init__(self, message: str, *, code: str, path: Path) -> None:
        super().__init__(message, path=path)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedMember:
    """A member that was not unpacked."""

    name: str
    size: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What an archive held.

    Parameters
    ----------
    files : tuple of (Path, str)
        Each file as it was written, and its name in the archive.
    refused : tuple of RefusedMember
        The rest.
    """

    files: tuple[tuple[Path, str], ...]
    refused: tuple[RefusedMember, ...]


def is_archive(path: Path) -> bool:
    """Return whether a file's name is that of an archive."""
    return is_archive_name(path.name)


def is_archive_name(name: str) -> bool:
    """Return whether a name or a path as text is that of an archive."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def unpack(archive: Path, folder: Path, *, progress: Progress | None = None) -> Unpacked:
    """Write an archive's files below a folder.

    Parameters
    ----------
    archive : Path
        A zip or tar file.
    folder : Path
        Made if it is missing. Files are called by their number.
    progress : callable, optional
        Called with (members done, members).

    Raises
    ------
    ArchiveRefusedError
        If the file is no readable archive, or too large to be an export.
    OSError
        If the disk is full or the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if archive.name.lower().endswith(".zip"):
            with zipfile.ZipFile(archive) as opened:
                return _write(_zip_members(opened), len(opened.infolist()), archive, folder, progress)
        # Told what to try, the standard library does not search a large file for every compression.
        with tarfile.open(archive, _tar_mode(archive)) as opened_tar:  # type: ignore[call-overload]
            return _write(_tar_members(opened_tar), 0, archive, folder, progress)
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno in DISK_TROUBLE:
            # Not the archive's fault: it must be tried again.
            raise
        raise ArchiveRefusedError(
            f"{archive.name} cannot be unpacked ({error}); unpack it by hand and ingest the folder",
            code="archive_damaged",
            path=archive,
        ) from error


def _tar_mode(archive: Path) -> str:
    with archive.open("rb") as file:
        head = file.read(TAR_BLOCK_BYTES)
    if not head.strip(b"\0"):
        raise ArchiveRefusedError(
            f"{archive.name} holds no file: it begins with zeros, as an empty archive or a copy that failed"
            " does; copy or export it again",
            code="archive_damaged",
            path=archive,
        )
    modes = (mode for magic, mode in TAR_COMPRESSIONS.items() if head.startswith(magic))
    return next(modes, "r:")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    name: str
    size: int
    is_file: bool
    is_encrypted: bool
    open: Callable[[], IO[bytes] | None]


def _zip_members(opened: zipfile.ZipFile) -> Iterator[_Member]:
    for info in opened.infolist():
        if info.is_dir():
            continue
        kind = info.external_attr >> 28
        yield _Member(
            name=info.filename,
            size=info.file_size,
            # Archives made on Unix mark links (type 10); others state no type.
            is_file=kind in {0, 8},
            is_encrypted=bool(info.flag_bits & 1),
            open=lambda info=info: opened.open(info),  # type: ignore[misc]
        )


def _tar_members(opened: tarfile.TarFile) -> Iterator[_Member]:
    for info in opened:
        if info.isdir():
            continue
        yield _Member(
            name=info.name,
            size=info.size,
            is_file=info.isreg(),
            is_encrypted=False,
            open=lambda info=info: opened.extractfile(info),  # type: ignore[misc]
        )


def _write(
    members: Iterator[_Member], n_members: int, archive: Path, folder: Path, progress: Progress | None
) -> Unpacked:
    files: list[tuple[Path, str]] = []
    refused: list[RefusedMember] = []
    limit = max(RATIO_COUNTS_FROM_BYTES, LARGEST_RATIO * archive.stat().st_size)
    written = 0
    for number, member in enumerate(members, start=1):
        if number > MOST_MEMBERS:
            raise ArchiveRefusedError(
                f"{archive.name} has more than {MOST_MEMBERS} members: no export",
                code="archive_bomb",
                path=archive,
            )
        refusal = _refusal(member)
        if refusal is not None:
            refused.append(refusal)
            continue
        target = folder / f"{number:07d}"
        try:
            written += _copy(member, target, room=int(min(limit, MOST_BYTES)) - written, archive=archive)
            files.append((target, member.name))
        except NotImplementedError:
            # Compressors write members of more than 2 GB in ways that the standard library does not read.
            target.unlink(missing_ok=True)
            reason = (
                "compressed in a way that is not read here; unpack the archive by hand and ingest the folder"
            )
            refused.append(
                RefusedMember(name=member.name, size=member.size, code="unknown_compression", reason=reason)
            )
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
            # One damaged member of a zip costs that member; the others have their own checksums.
            target.unlink(missing_ok=True)
            reason = f"damaged in the archive: {error}"
            refused.append(RefusedMember(name=member.name, size=member.size, code="damaged", reason=reason))
        if progress is not None:
            progress(number, n_members or number)
    return Unpacked(files=tuple(files), refused=tuple(refused))


def _refusal(member: _Member) -> RefusedMember | None:
    path = PurePosixPath(member.name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
        reason = "its path leads out of the archive; such a member is never unpacked"
        return RefusedMember(name=member.name, size=member.size, code="unsafe_path", reason=reason)
    if not member.is_file:
        reason = "a link or a device, no file"
        return RefusedMember(name=member.name, size=member.size, code="not_a_file", reason=reason)
    if member.is_encrypted:
        reason = "encrypted; unpack it with its password and ingest the folder"
        return RefusedMember(name=member.name, size=member.size, code="encrypted", reason=reason)
    return None


def _copy(member: _Member, target: Path, *, room: int, archive: Path) -> int:
    """Write one member; what it turns out to hold counts, not what it claims."""
    source = member.open()
    written = 0
    with target.open("wb") as file:
        while source is not None and (chunk := source.read(CHUNK_BYTES)):
            written += len(chunk)
            if written > room:
                file.close()
                target.unlink()
                raise ArchiveRefusedError(
                    f"{archive.name} holds more than {LARGEST_RATIO:.0f} times its own size, as only a"
                    " decompression bomb does; unpack it by hand if it is none, and ingest the folder",
                    code="archive_bomb",
                    path=archive,
                )
            file.write(chunk)
    return written
