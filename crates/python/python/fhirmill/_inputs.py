"""What may be read: paths, folders, globs, URLs, bytes and file objects."""

from __future__ import annotations

import glob
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import IO, Any, Union

from ._errors import FileError

#: One file, folder, glob, URL, content or file object.
Input = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, IO[bytes]]
#: What :func:`fhirmill.read` and its kin take.
Inputs = Union[Input, Iterable[Input]]

_GLOB = frozenset("*?[")
_SPOOL_BYTES = 8 << 20

_Opener = Callable[[], AbstractContextManager[Any]]


class Opened:
    """The inputs one after another, each time that it is called: the name of each file, and
    what the engine reads, which is a path, bytes, or a file object that is closed before the
    next one is opened."""

    def __init__(self, files: Inputs) -> None:
        self._files = list(_resolved(files))

    def __call__(self) -> Iterator[tuple[str, Any]]:
        for name, opener in self._files:
            with opener() as content:
                yield name, content


def _resolved(files: Inputs) -> Iterator[tuple[str, _Opener]]:
    if isinstance(files, (str, os.PathLike, bytes, bytearray, memoryview)) or hasattr(files, "read"):
        yield from _one(files)
        return
    if not isinstance(files, Iterable):
        raise TypeError(f"files are wanted: paths, bytes or file objects, not {type(files).__name__}")
    for file in files:
        yield from _one(file)


def _one(file: Any) -> Iterator[tuple[str, _Opener]]:
    if isinstance(file, (bytes, bytearray, memoryview)):
        content = bytes(file)
        yield "bytes", lambda: nullcontext(content)
    elif isinstance(file, (str, os.PathLike)):
        path = os.fsdecode(file)
        yield from _remote(path) if "://" in path else _local(path)
    elif hasattr(file, "read"):
        name = getattr(file, "name", None)
        yield name if isinstance(name, str) else "file", _Kept(file)
    else:
        raise TypeError(f"a path, bytes or a file object is wanted, not {type(file).__name__}")


def _local(path: str) -> Iterator[tuple[str, _Opener]]:
    path = os.path.expanduser(path)
    if os.path.isdir(path):
        paths = list(_walk(path))
    elif not os.path.exists(path) and _GLOB & set(path):
        paths = []
        for found in sorted(glob.glob(path, recursive=True)):
            paths.extend(_walk(found) if os.path.isdir(found) and "**" not in path else [found])
        paths = [found for found in paths if os.path.isfile(found)]
        if not paths:
            raise FileError(path, "no file matches")
    else:
        paths = [path]
    for found in paths:
        # A name need not be text in UTF-8.
        yield os.fsencode(found).decode(errors="replace"), _path(found)


def _path(path: str) -> _Opener:
    return lambda: nullcontext(path)


def _walk(folder: str) -> Iterator[str]:
    """All files in a folder and below it, by name. Hidden ones are left out, and links, which
    could lead round in circles."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from _walk(entry.path)
        else:
            yield entry.path


def _remote(url: str) -> Iterator[tuple[str, _Opener]]:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise FileError(url, "URLs need fsspec: pip install 'fhirmill[fsspec]'") from None
    filesystem, path = url_to_fs(url)
    if _GLOB & set(path):
        paths = sorted(found for found in filesystem.glob(path) if filesystem.isfile(found))
    elif filesystem.isdir(path):
        paths = sorted(filesystem.find(path))
    else:
        paths = [path]
    if not paths:
        raise FileError(url, "no file matches")
    for found in paths:
        yield filesystem.unstrip_protocol(found), _remote_opener(filesystem, found)


def _remote_opener(filesystem: Any, path: str) -> _Opener:
    def opener() -> AbstractContextManager[Any]:
        try:
            return _Closing(filesystem.open(path, "rb"))
        except OSError as error:
            raise FileError(filesystem.unstrip_protocol(path), str(error)) from error

    return opener


class _Kept:
    """A file object of the caller, who closes it. If it has to be copied, it is copied once."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._seekable: Any = None

    def __call__(self) -> AbstractContextManager[Any]:
        if self._seekable is None:
            self._seekable = _seekable(self._file)
        return nullcontext(self._seekable)


class _Closing:
    """A file object of ours, which is closed."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._seekable: Any = None

    def __enter__(self) -> Any:
        self._seekable = _seekable(self._file)
        return self._seekable

    def __exit__(self, *exception: Any) -> None:
        if self._seekable is not None:
            self._seekable.close()
        self._file.close()


def _seekable(file: Any) -> Any:
    """The file object itself, or a temporary copy of what is left of it."""
    if isinstance(file, io.TextIOBase):
        raise TypeError("a file object of bytes is wanted: open the file with mode 'rb'")
    seekable = getattr(file, "seekable", None)
    if seekable is not None and seekable():
        return file
    copy = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)
    shutil.copyfileobj(file, copy, 1 << 20)
    return copy
