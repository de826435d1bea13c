"""One load a source: *claims* are numbered files, each of which only one process can create.

The claim with the highest number holds. It has ended if there is a file ``NUMBER.done``
beside it, and ``NUMBER.left`` if what it began has to be brought to its end. A claim whose
process is gone is passed over by creating the next one.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from ._errors import BusyError
from ._storage import Folder


@dataclass
class Claim:
    """The right to load a source."""

    folder: Folder
    source: str
    number: int
    run: str
    #: The runs of the claims before, which did not end.
    unfinished: list[str]

    def check(self) -> None:
        """Raises unless the claim still holds."""
        if _last(self.folder) != self.number:
            raise BusyError(f"another load of source {self.source} has taken over; this one stops")

    def end(self) -> None:
        """Another load may begin."""
        self.folder.create(f"{self.number:08}.done", {})

    def leave(self) -> None:
        """Another load may begin, and has to bring this one to its end."""
        self.folder.create(f"{self.number:08}.left", {})


def claim(journal: Folder, source: str, run: str, take_over: bool) -> Claim:
    """Claims a source for a run.

    Raises :class:`BusyError` if another run has it. ``take_over`` says that the other one is
    known to be gone; of a process of this machine that is found out.
    """
    folder = journal / "claims" / quote(source, safe="")
    number = _last(folder)
    unfinished: list[str] = []
    names = folder.names()
    if number and f"{number:08}.done" not in names:
        holder = folder.read(f"{number:08}.json") or {}
        is_left = f"{number:08}.left" in names
        if not is_left and not take_over and not _is_gone(holder):
            raise BusyError(
                f"source {source} is being loaded by run {holder.get('run')} (process "
                f"{holder.get('process')} on {holder.get('host')}, since {holder.get('since')}); if it "
                f"was killed, load with take_over=True"
            )
        # Who held it may have ended before it could bring an earlier run to its end.
        unfinished = [*holder.get("unfinished", []), *([holder["run"]] if "run" in holder else [])]
    content = {
        "run": run,
        "unfinished": unfinished,
        "since": datetime.now(timezone.utc).isoformat(),
        **_self(),
    }
    if not folder.create(f"{number + 1:08}.json", content):
        raise BusyError(f"another load of source {source} began at the same moment")
    return Claim(folder, source, number + 1, run, unfinished)


def _last(folder: Folder) -> int:
    numbers = (name[:8] for name in folder.names() if name.endswith(".json"))
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def _self() -> dict[str, Any]:
    return {
        "host": socket.gethostname(),
        "boot": _boot(),
        "process": os.getpid(),
        "started": _started(os.getpid()),
    }


def _is_gone(holder: dict[str, Any]) -> bool:
    """Whether the process was one of this machine, and is no more."""
    if holder.get("host") != socket.gethostname():
        return False
    if holder.get("boot") != _boot():
        return True
    process = holder.get("process")
    return not isinstance(process, int) or _started(process) != holder.get("started")


def _boot() -> str | None:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None


def _started(process: int) -> str | None:
    """When the process began: a number may be used again. ``None`` if there is none."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except OSError:
        pass
    if os.path.isdir("/proc/self"):
        return None
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "unknown"


def source_number(journal: Folder, source: str) -> int:
    """The number that stands for the source in columns ``source_id``."""
    folder = journal / "sources"
    while True:
        known = [name for name in folder.names() if name.endswith(".json")]
        for name in known:
            if (folder.read(name) or {}).get("source") == source:
                return int(name[:5])
        number = len(known) + 1
        if folder.create(f"{number:05}.json", {"source": source}):
            return number
