"""How long an ingest takes, against other readers of the same files on the same machine.

Run by hand: ``python benchmarks/bench_ingest.py [--files 20000] [--runs 3]`` makes the files
in a temporary folder, reads them once so that they lie in the page cache, and measures in
turn, two processes each where the reader can. What is not installed is left out and said so:
gdcmscanner (Debian: libgdcm-tools, or with python-gdcm), dicomindex and fastdicom.
``--files 100000 --memory`` reports the largest resident memory of an ingest instead.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from mr_tree import make_tree

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

PROCESSES = 2
SLOW_RUNS = 1
"""dicomindex takes minutes; one run tells enough."""

MEMORY_LIMIT_MB = 400
TARGETS = {"pydicom": 1 / 8, "dicomindex": 1 / 40, "gdcmscanner": 1.0, "fastdicom": 1.15}
"""Largest time of an ingest as a share of theirs."""

RESCAN_TARGET = 5.0
"""Largest time of a second ingest as a multiple of a bare walk with a stat of each file."""

GDCM_TAGS = {
    "0008": "0005 0008 0016 0018 0020 0021 0022 0023 0060 0070 1030 103e 1090",
    "0010": "0020",
    "0018": "0010 0015 0020 0021 0022 0024 0050 0080 0081 0082 0086 0087 0088 1030 1120 1210 1314 9087",
    "0020": "000d 000e 0011 0012 0013 0032 0037 0052 0100",
    "0028": "0002 0008 0010 0011 0030 0100",
}
"""What herntrack reads of a header."""


def files_below(folder: str) -> list[str]:
    return [os.path.join(current, name) for current, _, names in os.walk(folder) for name in names]  # noqa: PTH118


def read_pydicom(path: str) -> None:
    import pydicom

    pydicom.dcmread(path, stop_before_pixels=True)


def read_fastdicom(path: str) -> None:
    import fastdicom

    fastdicom.dcmread(path, stop_before_pixels=True)


def loop(reader: Callable[[str], None], folder: str) -> float:
    """Return the seconds two processes take to read every file with a reader."""
    files = files_below(folder)
    started = time.perf_counter()
    with ProcessPoolExecutor(PROCESSES) as pool:
        for _ in pool.map(reader, files, chunksize=64):
            pass
    return time.perf_counter() - started


def ingest_into(folder: str, scratch: Path, *, is_repeated: bool = True) -> tuple[float, float]:
    """Return the seconds of an ingest into a fresh catalogue and of the same again."""
    from herntrack.workflows.ingesting.ingest import ingest
    from herntrack.workflows.workspace import create_workspace

    workspace = create_workspace(scratch / "study")
    started = time.perf_counter()
    summary = ingest(workspace, [Path(folder)], jobs=PROCESSES)
    between = time.perf_counter()
    assert summary.counts.instances == summary.n_files
    if not is_repeated:
        return between - started, 0.0
    begun = time.perf_counter()
    again = ingest(summary.workspace, [Path(folder)], jobs=PROCESSES)
    ended = time.perf_counter()
    assert again.n_unchanged == again.n_files
    return between - started, ended - begun


def bare_walk(folder: str) -> float:
    started = time.perf_counter()
    for path in files_below(folder):
        os.stat(path)  # noqa: PTH116
    return time.perf_counter() - started


def command(words: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def tool(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


def gdcmscanner(folder: str) -> float:
    tags = [f"{group},{number}" for group, numbers in GDCM_TAGS.items() for number in numbers.split()]
    wanted = [word for tag in tags for word in ("--tag", tag)]
    return command([tool("gdcmscanner") or "", "--recursive", "--dir", folder, *wanted])


def dicomindex(folder: str) -> float:
    with tempfile.TemporaryDirectory() as scratch:
        return command([tool("dicomindex") or "", "index_full", f"{scratch}/index.sql", folder])


def one(name: str, folder: str) -> None:
    """Measure one reader in this process and print its seconds."""
    if name == "herntrack":
        with tempfile.TemporaryDirectory(dir=Path(folder).parent) as scratch:
            print(*ingest_into(folder, Path(scratch)))
    elif name == "memory":
        with tempfile.TemporaryDirectory(dir=Path(folder).parent) as scratch:
            # Once only: a process started later has this one's peak in its account (Linux, vfork).
            seconds, _ = ingest_into(folder, Path(scratch), is_repeated=False)
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(seconds, own, child)
    else:
        measured = {"pydicom": read_pydicom, "fastdicom": read_fastdicom}
        others = {"gdcmscanner": gdcmscanner, "dicomindex": dicomindex, "walk": bare_walk}
        print(loop(measured[name], folder) if name in measured else others[name](folder))


def in_fresh_process(name: str, folder: Path) -> list[float]:
    words = [sys.executable, __file__, "--one", name, "--folder", str(folder)]
    result = subprocess.run(words, check=True, capture_output=True, text=True)
    return [float(word) for word in result.stdout.split()]


def present() -> Iterator[str]:
    """Yield the readers that are installed; say which are not."""
    yield "pydicom"
    for name in ("gdcmscanner", "dicomindex"):
        if tool(name):
            yield name
        else:
            print(f"left out: {name} is not installed")
    if importlib.util.find_spec("fastdicom"):
        yield "fastdicom"
    else:
        print("left out: fastdicom is not installed")


def compare(folder: Path, n_files: int, runs: int) -> None:
    names = ["herntrack", "walk", *present()]
    times: dict[str, list[list[float]]] = {name: [] for name in names}
    for run in range(runs):
        # In turn, so that a busy minute of the machine hits all alike.
        for name in names:
            if name != "dicomindex" or run < SLOW_RUNS:
                times[name].append(in_fresh_process(name, folder))
    medians = {name: statistics.median(each[0] for each in found) for name, found in times.items()}
    ours = medians["herntrack"]
    print(f"\n{n_files} files, {runs} runs, load {os.getloadavg()[0]:.1f} at the end")
    print(f"{'':12} {'seconds':>8} {'files/s':>8} {'ratio':>7} {'target':>7}")
    for name, seconds in medians.items():
        print(f"{name:12} {seconds:8.2f} {n_files / seconds:8.0f}", end="")
        if name in TARGETS:
            met = "met" if ours / seconds <= TARGETS[name] else "MISSED"
            print(f" {ours / seconds:7.3f} {TARGETS[name]:7.3f} {met}", end="")
        print()
    again = statistics.median(each[1] for each in times["herntrack"]) / medians["walk"]
    met = "met" if again <= RESCAN_TARGET else "MISSED"
    print(f"second ingest / bare walk: {again:.2f}, target {RESCAN_TARGET} {met}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="peak memory instead of time")
    parser.add_argument("--folder", type=Path, help="a tree made before; kept")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.one, str(given.folder))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch) / "tree"
        if not folder.exists():
            # Memory does not depend on pixels; small ones spare the disk.
            make_tree(folder, given.files, pixels=16 if given.memory else 160)
        for path in files_below(str(folder)):
            Path(path).read_bytes()
        n_files = len(files_below(str(folder)))
        if given.memory:
            seconds, own, child = in_fresh_process("memory", folder)
            print(f"{n_files} files in {seconds:.1f} s: {own:.0f} MB here, {child:.0f} MB in a child")
            met = "met" if own + child <= MEMORY_LIMIT_MB else "MISSED"
            print(f"limit {MEMORY_LIMIT_MB} MB together: {met}")
        else:
            compare(folder, n_files, given.runs)


if __name__ == "__main__":
    main()
