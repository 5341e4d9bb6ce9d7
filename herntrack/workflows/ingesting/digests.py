"""Digests of pixels, so that a later look can tell whether a picture was altered.

A digest depends neither on the transfer syntax of a lossless file nor on the type of the stored
values (`herntrack.dicom.decoding_process.values_sha256`). A frame of a multi-frame image has one of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from herntrack.catalogue.files import FileKey, ImageKey, KnownImage
from herntrack.catalogue.images import ImageRepository
from herntrack.errors import DicomError
from herntrack.workflows.progress import Progress
from herntrack.workflows.workspace import Workspace


def write_digests(
    workspace: Workspace, images: ImageRepository, files: Collection[FileKey], *, progress: Progress
) -> tuple[int, list[str]]:
    """Store the digests of the images in some files that have none yet.

    Parameters
    ----------
    workspace : Workspace
        The project.
    images : ImageRepository
        An open catalogue; the caller commits.
    files : collection of (str, str)
        Files to look at.
    progress : callable
        Called with (stage, done, total).

    Returns
    -------
    int
        How many images got a digest now.
    list of str
        A sentence for each file whose pixels cannot be decoded.
    """
    wanted = [
        image
        for image in images.known_images()
        if image.pixel_sha256 is None and not image.is_missing and image.file in files
    ]
    return _write(workspace, images, wanted, progress)


def renew_digests(
    workspace: Workspace, images: ImageRepository, before: Mapping[ImageKey, str], *, progress: Progress
) -> tuple[int, list[str]]:
    """Digest anew what had a digest before its file changed, and say loudly whose pixels changed with it.

    Parameters
    ----------
    workspace : Workspace
        The project.
    images : ImageRepository
        An open catalogue that says what the files are now; the caller commits.
    before : mapping
        Digests by image, as they were.
    progress : callable
        Called with (stage, done, total).

    Returns
    -------
    int
        How many images got a digest now.
    list of str
        A sentence if pixels changed, and one for each file whose pixels cannot be decoded.
    """
    if not before:
        return 0, []
    wanted = [
        image
        for image in images.known_images()
        if image.pixel_sha256 is None and not image.is_missing and _key(image) in before
    ]
    if not wanted:
        return 0, []
    n_digested, problems = _write(workspace, images, wanted, progress)
    now = {_key(image): image.pixel_sha256 for image in images.known_images()}
    altered = [image for image in wanted if now[_key(image)] not in {None, before[_key(image)]}]
    if altered:
        first = altered[0].location
        problems.insert(
            0,
            f"LOOK AT THIS: {len(altered)} image(s) have OTHER PIXELS than when their digest was stored,"
            f" such as {first.relative_path} under root {first.root!r}; they have a new digest now; if"
            " nobody wanted the change, restore the files and ingest them again",
        )
    return n_digested, problems


def _write(
    workspace: Workspace, images: ImageRepository, wanted: Sequence[KnownImage], progress: Progress
) -> tuple[int, list[str]]:
    digests: dict[ImageKey, str] = {}
    problems = []
    for image, digest, problem in _digested(workspace, wanted, progress):
        if problem:
            problems.append(f"no digest: {problem}")
        else:
            digests[_key(image)] = digest
    images.write_digests(digests)
    return len(digests), problems


def _key(image: KnownImage) -> ImageKey:
    return image.sop_instance_uid, image.frame_number


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelCheck:
    """What a look at the pixels of all images found.

    Parameters
    ----------
    n_images : int
        How many were looked at.
    n_without_digest : int
        How many of them could be decoded, but not compared: no digest is stored.
    problems : tuple of str
        A sentence for each file that cannot be decoded, and each image whose pixels are not those
        its digest was made of.
    """

    n_images: int
    n_without_digest: int
    problems: tuple[str, ...]


def check_pixels(workspace: Workspace, images: ImageRepository, *, progress: Progress) -> PixelCheck:
    """Decode every image that is there and compare it with its digest, if it has one."""
    wanted = [image for image in images.known_images() if not image.is_missing]
    problems, n_without_digest = [], 0
    for image, digest, problem in _digested(workspace, wanted, progress):
        where = f"{image.location.relative_path} under root {image.location.root!r}"
        if problem:
            problems.append(f"pixels that cannot be compared: {problem}")
        elif image.pixel_sha256 is None:
            n_without_digest += 1
        elif digest != image.pixel_sha256:
            frame = f", frame {image.frame_number}" if image.frame_number else ""
            problems.append(
                f"{where}{frame} has other pixels than when its digest was stored; restore the"
                " file, or ingest it again if the change is wanted"
            )
    # The frames of a file share what is wrong with it.
    said = tuple(dict.fromkeys(problems))
    return PixelCheck(n_images=len(wanted), n_without_digest=n_without_digest, problems=said)


def _digested(
    workspace: Workspace, wanted: Sequence[KnownImage], progress: Progress
) -> Iterator[tuple[KnownImage, str, str]]:
    """Yield each image with its digest, or with why there is none."""
    from herntrack.dicom.decoding_process import frame_digests

    done = 0
    for (root, relative), group in groupby(sorted(wanted, key=_order), key=lambda image: image.file):
        members = list(group)
        path = workspace.locate(root, relative)
        try:
            frames = [image.frame_number for image in members]
            digests = frame_digests(path, frames)
            yield from ((image, digest, "") for image, digest in zip(members, digests, strict=True))
        except (DicomError, OSError) as error:
            said = str(error) if isinstance(error, DicomError) else f"{path}: {error.strerror}"
            yield from ((image, "", said) for image in members)
        done += len(members)
        progress("digesting", done, len(wanted))


def _order(image: KnownImage) -> tuple[str, str, int]:
    return image.location.root, image.location.relative_path, image.frame_number
