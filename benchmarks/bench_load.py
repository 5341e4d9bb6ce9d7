"""How long loading a stack takes, beside SimpleITK's series reader and pydicom with np.stack.

Run by hand: ``python benchmarks/bench_load.py``. An MR of 24 and a CT of 400 slices of 512 x 512
are written to a temporary folder, the same bytes on every run; their files are in the page
cache. Every reader runs once unmeasured, then the readers take turns; medians are compared.
What is measured ends at a SimpleITK image with rescaled values; ours has also compared every file
with the stack's grid. Values of all readers are compared before anything is measured. For the long
stack, each reader also runs in a process of its own, which says how much its memory grew.
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pydicom
import SimpleITK
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    MRImageStorage,
    RLELossless,
)

from herntrack.dicom.headers import read_header
from herntrack.dicom.stacks import build_stacks
from herntrack.imaging.load import load_image, load_volume
from herntrack.imaging.sitk_bridge import to_sitk
from herntrack.model.images import Stack

ROOT = "2.25.4711"
ROWS = COLUMNS = 512
SITK_TARGET = 1 / 4
PYDICOM_TARGET = 1 / 2
COMPRESSED_TARGET = 1.0
"""Largest allowed ratio of our time to a peer's."""

KINDS = {"MR": (24, "2D spin echo"), "CT": (400, "spiral")}
N_COMPRESSED = {"MR": 24, "CT": 40}
"""Compressed stacks are as long as that: a decoder's time grows with the slices alone."""

SHORT_RUNS = 5
"""What takes some milliseconds is measured so many times as often."""

Reader = Callable[[], Any]


def pixels(kind: str, index: int) -> np.ndarray:
    """Return a noisy disc with texture: it compresses like a picture, not like a constant."""
    rng = np.random.default_rng(1000 + index)
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    inside = np.hypot(y - 256, x - 256) < 215 + 10 * np.sin(index / 9)
    texture = 260 + 120 * np.sin(x / 17 + index / 5) * np.cos(y / 23)
    noise = rng.normal(0, 14, (ROWS, COLUMNS))
    if kind == "MR":
        return np.clip(np.where(inside, texture, 8) + noise, 0, 4095).astype(np.uint16)
    return np.clip(np.where(inside, 1024 + texture / 4, 24) + noise, 0, 4095).astype(np.uint16)


def header(kind: str, index: int) -> Dataset:
    """Return one slice's header: identity, acquisition, sequences and private blocks."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "NORM"] if kind == "MR" else ["ORIGINAL", "PRIMARY"]
    dataset.SOPClassUID = MRImageStorage if kind == "MR" else CTImageStorage
    dataset.SOPInstanceUID = f"{ROOT}.{1 if kind == 'MR' else 2}.{index + 1}"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = "20240102"
    dataset.StudyTime, dataset.AcquisitionTime = "101500", f"101600.{index:06d}"
    dataset.AccessionNumber, dataset.Modality, dataset.Manufacturer = "A1", kind, "Invented"
    dataset.InstitutionName, dataset.StationName = "Invented Hospital", "SCANNER1"
    dataset.StudyDescription, dataset.SeriesDescription = "Lumbar spine", f"{kind} {KINDS[kind][1]}"
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = MRImageStorage, f"{ROOT}.9.1"
    dataset.ReferencedImageSequence = [reference, reference, reference]
    dataset.PatientName, dataset.PatientID = "Nobody^Invented", "invented"
    dataset.PatientBirthDate, dataset.PatientSex, dataset.PatientAge = "", "O", "050Y"
    dataset.BodyPartExamined, dataset.SliceThickness, dataset.PatientPosition = "LSPINE", 4, "HFS"
    if kind == "MR":
        dataset.ScanningSequence, dataset.SequenceVariant = "SE", ["SK", "SP", "OSP"]
        dataset.RepetitionTime, dataset.EchoTime, dataset.FlipAngle = 3500, 98, 150
        dataset.MagneticFieldStrength, dataset.SpacingBetweenSlices = 1.5, 4.4
    else:
        dataset.KVP, dataset.ExposureTime, dataset.ConvolutionKernel = 120, 500, "B30s"
        dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = -1024, 1, "HU"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{ROOT}.7", f"{ROOT}.{7 if kind == 'MR' else 8}.1"
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = "1", 3, index + 1
    dataset.FrameOfReferenceUID = f"{ROOT}.6"
    _place(dataset, kind, index)
    _vendor(dataset, index)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = ROWS, COLUMNS
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.WindowCenter, dataset.WindowWidth = 300, 700
    return dataset


def _place(dataset: Dataset, kind: str, index: int) -> None:
    if kind == "MR":
        dataset.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        dataset.ImagePositionPatient = [round(50.6 - 4.4 * index, 4), -120, 140]
        dataset.PixelSpacing = [0.546875, 0.546875]
    else:
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.ImagePositionPatient = [-175, -310.5, round(-400 + 0.75 * index, 4)]
        dataset.PixelSpacing = [0.68359375, 0.68359375]


def _vendor(dataset: Dataset, index: int) -> None:
    rng = np.random.default_rng(index)
    block = dataset.private_block(0x0029, "INVENTED HEADER", create=True)
    block.add_new(0x10, "OB", rng.bytes(9000))
    block.add_new(0x20, "OB", rng.bytes(14000))
    block = dataset.private_block(0x0019, "INVENTED VALUES", create=True)
    for element in range(40):
        block.add_new(element, "LO", f"value {element}" if element % 4 else f"value {index}")


def write_stack(folder: Path, kind: str, n_slices: int, syntax: str) -> None:
    """Write one stack's files."""
    folder.mkdir()
    for index in range(n_slices):
        dataset = header(kind, index)
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.PixelData = pixels(kind, index).tobytes()
        dataset["PixelData"].VR = "OW"
        if syntax not in {ExplicitVRLittleEndian, JPEGLosslessSV1}:
            dataset.compress(syntax, generate_instance_uid=False)
        path = folder / f"{index:04d}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        if syntax == JPEGLosslessSV1:
            compress_by_gdcm(path)


def compress_by_gdcm(path: Path) -> None:
    """Compress a file's pixels by lossless JPEG, which pydicom has no encoder for."""
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(path))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(path))
    assert writer.Write()


def stack_in(folder: Path) -> tuple[Stack, list[Path]]:
    """Return the stack and its files as an ingest finds them."""
    paths = {
        image.header.sop_instance_uid: (path, image)
        for path in folder.iterdir()
        if (image := read_header(path))
    }
    images = [image for _, image in paths.values()]
    (built,) = build_stacks(images[0].series, [image.header for image in images])
    return built.stack, [paths[uid][0] for uid in built.sop_instance_uids]


def by_herntrack(stack: Stack, files: list[Path]) -> Any:
    return load_image(stack, files)


def by_herntrack_in_two_steps(stack: Stack, files: list[Path]) -> Any:
    return to_sitk(load_volume(stack, files))


def by_simpleitk(files: list[Path]) -> Any:
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in files])
    return reader.Execute()


def by_pydicom(files: list[Path]) -> Any:
    datasets = [pydicom.dcmread(path) for path in files]
    stored = np.stack([dataset.pixel_array for dataset in datasets])
    first = datasets[0]
    if "RescaleSlope" in first:
        stored = stored.astype(np.int16) * np.int16(first.RescaleSlope) + np.int16(first.RescaleIntercept)
    image = SimpleITK.GetImageFromArray(stored)
    image.SetOrigin([float(value) for value in first.ImagePositionPatient])
    return image


def median_seconds(readers: dict[str, Reader], n_runs: int) -> dict[str, float]:
    """Let the readers take turns, every other time in reverse, and return each one's median."""
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    order = list(readers)
    for _ in range(n_runs):
        order.reverse()
        for name in order:
            started = time.perf_counter()
            image = readers[name]()
            seconds[name].append(time.perf_counter() - started)
            del image
    return {name: statistics.median(times) for name, times in seconds.items()}


def grown_megabytes(name: str, folder: Path) -> float:
    """Return by how much a process grew that read a stack once; it had read a short one before."""
    script = "import bench_load; bench_load.say_growth()"
    described = pickle.dumps((name, stack_in(folder)))
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=described,
        stdout=subprocess.PIPE,
        check=True,
        cwd=Path(__file__).parent,
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    return float(done.stdout)


def say_growth() -> None:
    """Read the stack that standard input names, and print by how much this process grew (MB)."""
    name, (stack, files) = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - written by the function above
    readers = {
        "herntrack": load_image,
        "SimpleITK": lambda _, f: by_simpleitk(f),
        "pydicom": lambda _, f: by_pydicom(f),
    }
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    by_simpleitk(files[:2])
    by_pydicom(files[:2])
    before = megabytes("VmRSS")
    readers[name](stack, files)
    print(megabytes("VmHWM") - before)


def megabytes(kind: str) -> float:
    """Return how much memory this process has (``VmRSS``), or had at most (``VmHWM``)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(kind))


def compare(title: str, folder: Path, n_runs: int, limits: tuple[float, float]) -> bool:
    """Measure one stack, print it, and return whether the targets are met."""
    stack, files = stack_in(folder)
    readers: dict[str, Reader] = {
        "herntrack": lambda: by_herntrack(stack, files),
        "SimpleITK": lambda: by_simpleitk(files),
        "pydicom": lambda: by_pydicom(files),
        "in two steps": lambda: by_herntrack_in_two_steps(stack, files),
    }
    ours, *others = [reader() for reader in readers.values()]
    values = SimpleITK.GetArrayViewFromImage(ours)
    for other in others:
        assert np.array_equal(values, SimpleITK.GetArrayViewFromImage(other)), "readers disagree"
    assert np.allclose(ours.GetOrigin(), others[0].GetOrigin(), atol=1e-6)
    assert np.allclose(ours.GetDirection(), others[0].GetDirection(), atol=1e-6)
    assert np.allclose(ours.GetSpacing(), others[0].GetSpacing(), atol=1e-4)
    del ours, others, other, values
    seconds = median_seconds(readers, n_runs)
    is_met = True
    two = seconds["in two steps"]
    print(
        f"{title}: load_image {seconds['herntrack']:.4f} s (to_sitk(load_volume()) {two:.4f} s)", flush=True
    )
    for name, limit in zip(("SimpleITK", "pydicom"), limits, strict=True):
        ratio = seconds["herntrack"] / seconds[name]
        is_met &= ratio <= limit
        verdict = "met" if ratio <= limit else "MISSED"
        print(f"    {name:9} {seconds[name]:8.4f} s   ratio {ratio:.3f}   target {limit:.2f}   {verdict}")
    return is_met


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, help="measured runs of each reader (at least 5)")
    parser.add_argument("--only", choices=("native", "compressed"), help="measure only these stacks")
    options = parser.parse_args()
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    all_met = True
    with tempfile.TemporaryDirectory() as scratch:
        for kind, (n_slices, _) in KINDS.items():
            if options.only != "compressed":
                folder = Path(scratch) / kind
                write_stack(folder, kind, n_slices, ExplicitVRLittleEndian)
                limits = SITK_TARGET, PYDICOM_TARGET
                n_runs = options.runs * (SHORT_RUNS if kind == "MR" else 1)
                all_met &= compare(f"{kind} {n_slices} slices, uncompressed", folder, n_runs, limits)
                grown = {
                    name: grown_megabytes(name, folder) for name in ("herntrack", "SimpleITK", "pydicom")
                }
                print("    memory   " + "   ".join(f"{name} {value:.0f} MB" for name, value in grown.items()))
            if options.only == "native":
                continue
            for syntax in (JPEGLSLossless, JPEGLosslessSV1, JPEG2000Lossless, RLELossless):
                folder = Path(scratch) / f"{kind} {syntax}"
                n_slices_compressed = N_COMPRESSED[kind]
                write_stack(folder, kind, n_slices_compressed, syntax)
                limits = COMPRESSED_TARGET, COMPRESSED_TARGET
                title = f"{kind} {n_slices_compressed} slices, {syntax.name}"
                all_met &= compare(title, folder, max(5, options.runs), limits)
    print("all targets met" if all_met else "some targets are MISSED")


if __name__ == "__main__":
    main()
