"""Which files there are, and how they are divided among tasks."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .._errors import FileError
from .._inputs import _walk
from ._storage import filesystem, local_path

# The bytes of the beginning of a file that show whether it is NDJSON.
_HEAD = 1 << 20

# Files that others refer to by identifier, as their names suggest. It is a matter of speed
# only: mapped first, they need no second pass over the others.
_REFERRED = re.compile(r"organi[sz]ation|hospital|practitioner|location", re.IGNORECASE)


@dataclass(frozen=True)
class InputFile:
    """A file to read."""

    #: The name that the ledger has: below the folder that was given.
    name: str
    #: A path, or the URL of fsspec.
    path: str
    bytes: int
    #: What tells a later content of the same name: a time or a tag.
    modified: str


@dataclass(frozen=True)
class Part:
    """A file, or the lines that begin in a range of it."""

    #: The number of the file, from 1.
    file: int
    name: str
    path: str
    range: tuple[int, int] | None


@dataclass
class Task:
    """The parts that one task maps."""

    number: int
    parts: list[Part] = field(default_factory=list)
    bytes: int = 0
    #: Whether its rows may be more than memory holds.
    is_large: bool = False

    @property
    def is_first(self) -> bool:
        """Whether others may refer to its resources by identifier."""
        return any(_REFERRED.search(os.path.basename(part.name)) for part in self.parts)


def find(inputs: str | Iterable[str]) -> list[InputFile]:
    """All files of the inputs: files, folders, globs and URLs, in order of their names."""
    found: list[InputFile] = []
    for text in [inputs] if isinstance(inputs, str) else inputs:
        path = local_path(text)
        found.extend(_remote(text) if path is None else _local(path))
    return found


def _local(path: str) -> Iterator[InputFile]:
    if os.path.isdir(path):
        base, paths = path, list(_walk(path))
    elif os.path.exists(path):
        base, paths = os.path.dirname(path), [path]
    else:
        base = os.path.dirname(glob.escape(path).split("[")[0])
        paths = sorted(found for found in glob.glob(path, recursive=True) if os.path.isfile(found))
    if not paths and not os.path.isdir(path):
        raise FileError(path, "no file matches")
    for found in paths:
        status = os.stat(found)
        yield InputFile(os.path.relpath(found, base), found, status.st_size, str(status.st_mtime_ns))


def _remote(url: str) -> Iterator[InputFile]:
    files, path = filesystem(url)
    found = files.glob(path, detail=True) if set("*?[") & set(path) else files.find(path, detail=True)
    if not found:
        raise FileError(url, "no file matches")
    for name, detail in sorted(found.items()):
        if detail.get("type") == "directory":
            continue
        modified = detail.get("ETag") or detail.get("LastModified") or detail.get("last_modified") or ""
        base = path.split("*")[0].rstrip("/")
        yield InputFile(
            os.path.relpath(name, base) if name != base else os.path.basename(name),
            files.unstrip_protocol(name),
            int(detail["size"]),
            str(modified),
        )


def open_path(path: str) -> Any:
    """What the engine reads: a local path, or a file object."""
    if local_path(path) is not None:
        return local_path(path)
    files, inner = filesystem(path)
    return files.open(inner, "rb")


def divide(files: list[InputFile], first_file: int, split_bytes: int) -> list[Task]:
    """Divides files among tasks of some ``split_bytes`` each: small files together, NDJSON in
    parts, and whatever else whole."""
    tasks: list[Task] = []
    small = Task(0)
    for number, file in enumerate(files, first_file):
        whole = Part(number, file.name, file.path, None)
        if file.bytes <= split_bytes:
            if small.parts and small.bytes + file.bytes > split_bytes:
                tasks.append(small)
                small = Task(0)
            small.parts.append(whole)
            small.bytes += file.bytes
            # What is compressed becomes more.
            small.is_large |= file.name.lower().endswith((".gz", ".zip", ".zst", ".tgz"))
            continue
        if not _is_ndjson(file.path):
            tasks.append(Task(0, [whole], file.bytes, is_large=True))
            continue
        count = -(-file.bytes // split_bytes)
        for index in range(count):
            start, end = file.bytes * index // count, file.bytes * (index + 1) // count
            tasks.append(Task(0, [Part(number, file.name, file.path, (start, end))], end - start))
    if small.parts:
        tasks.append(small)
    for number, task in enumerate(tasks):
        task.number = number
    return tasks


def _is_ndjson(path: str) -> bool:
    """Whether the first line is a resource, and another one follows."""
    content = open_path(path)
    if isinstance(content, str):
        content = open(content, "rb")
    with content as file:
        head = file.read(_HEAD)
    line, _, rest = head.partition(b"\n")
    if not rest.lstrip().startswith(b"{"):
        return False
    try:
        resource = json.loads(line)
    except ValueError:
        return False
    return isinstance(resource, dict) and resource.get("resourceType") not in (None, "Bundle")
