"""Loading into Postgres, by the program itself: the package brings no second loader."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Any

from ._errors import FileError, LoadError
from ._inputs import Inputs, Opened

#: The exit code of a run that was complete and has rejected records.
_WITH_REJECTS = 3
_SETTINGS_OF_INBOX = ("INBOX_URL", "INBOX_DIR")


@dataclass(frozen=True)
class Loaded:
    """What became of the records. ``seen`` is the sum of those after it."""

    #: The number of the run, in ``etl.load_run``; none if there was nothing to load.
    run_id: int | None
    #: All records.
    seen: int
    #: Resources that were new.
    inserted: int
    #: Resources that have another content now.
    updated: int
    #: Records with the content that the tables had.
    unchanged: int
    #: Versions and deletions that are older than the one that counts.
    stale: int
    #: Resources that were deleted.
    deleted: int
    #: Records that could not be read or mapped: ``etl.load_reject`` has them.
    rejected: int
    #: Records of types that are not wanted, and entries without a resource.
    skipped: int


def load(
    files: Inputs,
    database_url: str,
    *,
    source: str = "default",
    archive: str | os.PathLike[str] | None = None,
    rejects: str | os.PathLike[str] | None = None,
    program: str | os.PathLike[str] | None = None,
) -> Loaded:
    """Loads files into the tables of a Postgres database, by running ``fhirmill once``.

    ``files`` are what :func:`read` takes. They are copied to a temporary inbox, from where the
    program moves them to ``archive`` and ``rejects``, or to the folders that its settings name;
    it reads them there when tables have to be filled again. ``source`` names the sender within
    which ids do not collide.

    ``program`` is the path of the program; otherwise it is that of ``FHIRMILL_BIN``, or the one
    on the ``PATH``. Its other settings come from the environment.

    Raises :class:`LoadError` if the program is not there or fails, and :class:`FileError` if a
    file cannot be read. Rejected records are no error: they are counted.
    """
    command = _program(program)
    if not source or source.startswith(".") or "/" in source:
        raise ValueError("source must be a name without / that does not begin with a dot")
    environment = {name: value for name, value in os.environ.items() if name not in _SETTINGS_OF_INBOX}
    environment.update(DATABASE_URL=database_url, SETTLE_SECONDS="0")
    for name, folder in (("ARCHIVE_DIR", archive), ("REJECTS_DIR", rejects)):
        if folder is not None:
            environment[name] = os.path.abspath(folder)
    with tempfile.TemporaryDirectory(prefix="fhirmill-inbox-") as inbox:
        environment["INBOX_DIR"] = inbox
        folder = inbox if source == "default" else os.path.join(inbox, source)
        _fill(folder, files)
        try:
            run = subprocess.run([command, "once", "--json"], env=environment, capture_output=True, text=True)
        except OSError as error:
            raise LoadError(f"cannot run {command}: {error.strerror}", None) from error
    if run.returncode not in (0, _WITH_REJECTS):
        reason = run.stderr.strip() or f"it ended with {run.returncode}"
        raise LoadError(f"fhirmill could not load: {reason}", run.returncode)
    return _loaded(json.loads(run.stdout), run.returncode)


def _program(program: str | os.PathLike[str] | None) -> str:
    named = program or os.environ.get("FHIRMILL_BIN")
    if named:
        return os.fspath(named)
    found = shutil.which("fhirmill")
    if found is None:
        raise LoadError(
            "the program fhirmill is not installed, or not on the PATH: give its path as program=…", None
        )
    return found


def _fill(folder: str, files: Inputs) -> None:
    """Copies the files to the folder, each with a name that shows where it comes from."""
    os.makedirs(folder, exist_ok=True)
    for number, (name, content) in enumerate(Opened(files)(), start=1):
        base = name.rstrip("/").rsplit("/", 1)[-1]
        path = os.path.join(folder, f"{number:05}-{base}"[:200])
        if isinstance(content, str):
            try:
                shutil.copyfile(content, path)
            except OSError as error:
                raise FileError(name, error.strerror or str(error)) from error
        elif isinstance(content, bytes):
            with open(path, "wb") as out:
                out.write(content)
        else:
            content.seek(0)
            with open(path, "wb") as out:
                shutil.copyfileobj(content, out, 1 << 20)


def _loaded(summary: dict[str, Any], code: int) -> Loaded:
    try:
        account = summary["account"]
        names = ("inserted", "updated", "unchanged", "stale", "deleted", "rejected", "skipped")
        return Loaded(summary["run_id"], summary["seen"], *(account[name] for name in names))
    except (KeyError, TypeError) as error:
        raise LoadError("the program is of another version than this package", code) from error
