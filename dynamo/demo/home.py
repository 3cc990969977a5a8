"""The demo's data folder: what lies in it, who may use it, how it is emptied."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from pathlib import Path
from typing import IO

DATABASE = "demo.sqlite3"
MEDIA = "media"
SECRET_KEY = "secret-key"  # noqa: S105 - the name of a file
PASSWORD = "admin-password"  # noqa: S105 - the name of a file
LOCK = "lock"


class AlreadyRunning(RuntimeError):
    """Another process holds the data folder."""


def path() -> Path:
    """Return the data folder, absolute."""
    return Path(os.environ.get("DYNAMO_DEMO_HOME") or ".demo").absolute()


def occupy() -> IO[str]:
    """Make the folder and lock it for this process; the lock lives as long as the returned file."""
    path().mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = (path() / LOCK).open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyRunning(
            f"A demo is already running on {path()}. Stop it, or name another folder with DYNAMO_DEMO_HOME."
        ) from None
    return lock


def empty() -> None:
    """Remove the demo's own files and nothing else: the folder may be one that somebody named by mistake."""
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal", SECRET_KEY, PASSWORD):
        (path() / name).unlink(missing_ok=True)
    shutil.rmtree(path() / MEDIA, ignore_errors=True)


def secret(name: str, *, length: int) -> str:
    """Return the secret of that name, made on the first call; only the owner can read its file."""
    file = path() / name
    if not file.exists():
        path().mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written aside and renamed, so that a process killed here leaves no empty secret behind.
        draft = file.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(secrets.token_urlsafe(length))
        draft.rename(file)
    return file.read_text()
