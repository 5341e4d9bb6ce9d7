"""Commands that make the sample cohort and show what herntrack does with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from herntrack.cli.terminal import EXIT_REFUSED, say, stages, warn

DEFAULT_PATIENTS = 5
DEFAULT_SEED = 20240304

PatientsOption = Annotated[int, typer.Option("--patients", min=1, help="How many patients.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The same seed makes the same cohort.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(sample)
    app.command()(demo)


def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write the cohort.")],
    patients: PatientsOption = DEFAULT_PATIENTS,
    seed: SeedOption = DEFAULT_SEED,
) -> None:
    """Make a simulated cohort: DICOM images, a reader's masks, and the truth."""
    from herntrack.errors import WorkspaceError
    from herntrack.phantoms.cohort import generate_cohort

    try:
        with stages() as progress:
            generate_cohort(folder, n_patients=patients, seed=seed, progress=progress)
    except OSError as error:
        raise WorkspaceError(
            f"the cohort cannot be written to {folder}: {error.strerror}; name a folder that is new or may be"
            " written, with space left"
        ) from error
    say(f"{patients} simulated patients in {folder}; their truth is in truth.json")


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the demonstration.")] = Path(
        "herntrack-demo"
    ),
    patients: PatientsOption = DEFAULT_PATIENTS,
    seed: SeedOption = DEFAULT_SEED,
) -> None:
    """Make the sample cohort, ingest, read, measure, classify and report it."""
    from herntrack.workflows.sample import demo as run

    with stages() as progress:
        summary = run(folder, n_patients=patients, seed=seed, progress=progress)
    say(f"{summary.report.n_lesions} lesions reported; each outcome is compared with the truth")
    for disagreement in summary.disagreements:
        warn(disagreement)
    say("open in a browser:")
    typer.echo(os.fspath(summary.report.files.report_html))
    if summary.disagreements:
        raise typer.Exit(EXIT_REFUSED)
