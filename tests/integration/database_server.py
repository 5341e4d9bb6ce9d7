"""A PostgreSQL server of its own for the tests that need one, on the loopback address alone."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

USER = "herntrack"


def programs() -> Path | None:
    """Return the folder of the server's programs, None if it is not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "pg_ctl").is_file()), None)


def account() -> str | None:
    """Return the account that it runs under: it refuses to be run by root. None: our own."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return None


@contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """Yield the address of a new server; it is gone when the block ends.

    Parameters
    ----------
    folder : Path
        Of its programs.
    """
    user = account()
    # Not pytest's folder: the server's account may not enter it.
    home = Path(tempfile.mkdtemp(prefix="herntrack-pg-"))
    data = home / "data"
    if user:
        shutil.chown(home, user)

    def run(program: str, *words: str) -> None:
        done = subprocess.run(
            [folder / program, *words],
            user=user,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    try:
        run("initdb", "-D", str(data), "-A", "trust", "-U", USER, "-E", "UTF8", "--no-sync")
        settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off"
        run("pg_ctl", "-D", str(data), "-o", settings, "-l", str(home / "log"), "-w", "start")
        try:
            yield f"postgresql+psycopg://{USER}:secret@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)
