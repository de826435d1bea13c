"""Files beside the tables: staged rows, and the journal. On a local file system, or where
fsspec leads."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from typing import Any

from .._errors import FileError

_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*)://?", re.IGNORECASE)

# Names that only Hadoop has for file systems.
_SCHEMES = {"s3a": "s3", "s3n": "s3", "abfss": "abfs", "wasbs": "abfs"}


def local_path(url: str) -> str | None:
    """The path on the local file system, if the URL is there."""
    scheme = _SCHEME.match(url)
    if scheme is None:
        return os.path.abspath(os.path.expanduser(url))
    if scheme[1].lower() == "file":
        return "/" + url[scheme.end() :].lstrip("/")
    return None


def spark_url(url: str) -> str:
    """The URL as Spark wants it: a path without scheme might mean HDFS."""
    path = local_path(url)
    return url if path is None else f"file://{path}"


def filesystem(url: str) -> tuple[Any, str]:
    """The file system of fsspec and the path in it."""
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise FileError(url, "URLs need fsspec: pip install 'fhirmill[fsspec]'") from None
    scheme, _, rest = url.partition("://")
    return url_to_fs(f"{_SCHEMES.get(scheme, scheme)}://{rest}")


class Folder:
    """A folder with small files of JSON, and whatever else is below it."""

    def __init__(self, url: str) -> None:
        #: Where it is.
        self.url = url.rstrip("/")
        self._local = local_path(self.url)

    def __truediv__(self, name: str) -> Folder:
        return Folder(f"{self.url}/{name}")

    def names(self) -> list[str]:
        """The names of what is in it, sorted."""
        if self._local is not None:
            return sorted(os.listdir(self._local)) if os.path.isdir(self._local) else []
        files, path = filesystem(self.url)
        files.invalidate_cache()
        if not files.exists(path):
            return []
        return sorted(found.rstrip("/").rpartition("/")[2] for found in files.ls(path, detail=False))

    def read(self, name: str) -> Any:
        """The content of a file of JSON; ``None`` if it is not there."""
        try:
            if self._local is not None:
                with open(os.path.join(self._local, name), encoding="utf-8") as file:
                    return json.load(file)
            files, path = filesystem(f"{self.url}/{name}")
            return json.loads(files.cat_file(path))
        except FileNotFoundError:
            return None

    def write(self, name: str, content: Any) -> None:
        """Writes a file of JSON, whole or not at all."""
        text = json.dumps(content, indent=1)
        if self._local is None:
            files, path = filesystem(f"{self.url}/{name}")
            files.pipe_file(path, text.encode())
            return
        os.replace(self._temporary(text), os.path.join(self._local, name))

    def create(self, name: str, content: Any) -> bool:
        """Writes a file of JSON unless there is one; whether it did. Of several who try at
        once, one does."""
        text = json.dumps(content, indent=1)
        if self._local is None:
            files, path = filesystem(f"{self.url}/{name}")
            try:
                files.pipe_file(path, text.encode(), mode="create")
            except FileExistsError:
                return False
            return True
        temporary = self._temporary(text)
        try:
            os.link(temporary, os.path.join(self._local, name))
        except FileExistsError:
            return False
        finally:
            os.unlink(temporary)
        return True

    def _temporary(self, text: str) -> str:
        assert self._local is not None
        os.makedirs(self._local, exist_ok=True)
        temporary = os.path.join(self._local, f".{uuid.uuid4().hex}")
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return temporary

    def remove(self) -> None:
        """Removes it with all that is in it."""
        if self._local is not None:
            shutil.rmtree(self._local, ignore_errors=True)
            return
        files, path = filesystem(self.url)
        if files.exists(path):
            files.rm(path, recursive=True)
