"""FHIR R4 files as Arrow tables that people can read.

>>> import fhirmill as fm
>>> tables = fm.read(b'{"resourceType": "Patient", "id": "p1", "birthDate": "1970-01-01"}')
>>> tables.patient.column("birth_date").to_pylist()
[datetime.date(1970, 1, 1)]

The tables are those that the program fhirmill keeps in Postgres, by the same map. In place
of numbers, keys are 16 bytes that are made of source, type and id: the same resource has the
same key in whatever is read, on whatever machine.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable
from typing import Any, Union

from . import _native
from ._errors import DefinitionError, Error, FileError, LoadError, RejectedError, RejectsWarning
from ._inputs import Input, Inputs, Opened
from ._load import Loaded, load
from ._tables import Account, Scan, Tables, to_arrow

__all__ = [
    "Account",
    "DefinitionError",
    "Error",
    "FileError",
    "Input",
    "Inputs",
    "LoadError",
    "Loaded",
    "RejectedError",
    "RejectsWarning",
    "Scan",
    "Tables",
    "load",
    "map",
    "read",
    "scan",
    "schema",
    "tables",
    "view",
]

__version__ = _native.__version__

#: The most rejects that are kept; ``account.rejected`` counts all.
MAX_REJECTS = 100_000

# The JSON that is mapped at a time: of tables in memory, and of those in files.
_BATCH_BYTES = 64 << 20
_BATCH_BYTES_ON_DISK = 16 << 20


class _Options:
    """What the engine is told."""

    def __init__(
        self,
        source: str,
        timezone: str,
        base_urls: Iterable[str],
        all_versions: bool,
        strict: bool,
        on_disk: bool = False,
        view: str | None = None,
    ) -> None:
        if isinstance(base_urls, str):
            raise TypeError("base_urls is a list of URLs")
        self.source = source
        self.timezone = timezone
        self.base_urls = list(base_urls)
        self.all_versions = all_versions
        self.strict = strict
        self.max_rejects = MAX_REJECTS
        self.on_disk = on_disk
        self.batch_bytes = _BATCH_BYTES_ON_DISK if on_disk else _BATCH_BYTES
        self.view = view


def read(
    files: Inputs,
    *,
    source: str = "default",
    all_versions: bool = False,
    strict: bool = False,
    timezone: str = "UTC",
    base_urls: Iterable[str] = (),
) -> Tables:
    """Reads files into memory, and returns all tables.

    ``files`` is a path, a folder, a glob, a URL that fsspec opens, bytes or a file object, or
    several of them: NDJSON, JSON, Bundles, plain or compressed by gzip or Zstandard, in zip
    and tar archives. What a file is, its content says and not its name.

    ``source`` names the sender within which ids do not collide; it is part of all keys, so
    that reading the same files under another name gives other keys.

    The rows are those of the latest version of each resource, by ``meta.lastUpdated``,
    ``meta.versionId`` and the order of reading; ``all_versions=True`` gives those of all
    versions.

    A record that cannot be read or mapped is in ``tables.rejects``; ``strict=True`` raises
    :class:`RejectedError` instead. ``timezone`` stands in where times have none.
    Absolute references to ``base_urls`` mean the same as relative ones; servers that the
    files themselves name need not be given.

    >>> tables = read([
    ...     b'{"resourceType": "Patient", "id": "p1", "gender": "female"}',
    ...     b'{"resourceType": "Observation", "id": "o1", "status": "final",'
    ...     b' "subject": {"reference": "Patient/p1"}, "code": {"text": "Weight"},'
    ...     b' "valueQuantity": {"value": 72.0, "unit": "kg"}}',
    ...     b'{"resourceType": "Patient", "id": ',
    ... ], source="st-marys")
    >>> list(tables)[:2]
    ['patient', 'observation']
    >>> tables["observation"].column("value_quantity_value_text").to_pylist()
    ['72.0']
    >>> tables.observation["patient_id"] == tables.patient["id"]
    True
    >>> tables.account.inserted, tables.account.rejected
    (2, 1)
    >>> tables.rejects["reason"].to_pylist()
    ['truncated']
    """
    options = _Options(source, timezone, base_urls, all_versions, strict)
    return Tables(_native.read(Opened(files), options))


def scan(
    files: Inputs,
    *,
    source: str = "default",
    all_versions: bool = False,
    strict: bool = False,
    timezone: str = "UTC",
    base_urls: Iterable[str] = (),
) -> Scan:
    """Reads files that are larger than memory, and returns a reader of each table.

    The files are read once, here. The record batches wait in temporary files, compressed,
    until a reader asks for them. For the parameters see :func:`read`.

    >>> for name, reader in scan(b'{"resourceType": "Patient", "id": "p1"}').items():
    ...     for batch in reader:
    ...         print(name, batch.num_rows)
    patient 1
    """
    options = _Options(source, timezone, base_urls, all_versions, strict, on_disk=True)
    return Scan(_native.read(Opened(files), options))


def map(
    column: Any,
    *,
    source: str = "default",
    all_versions: bool = False,
    strict: bool = False,
    timezone: str = "UTC",
    base_urls: Iterable[str] = (),
) -> Tables:
    """Maps a column of JSON texts, each a resource or a Bundle, and returns all tables.

    The column is an Arrow array or chunked array, a Series of Polars or pandas, or a list;
    texts or bytes; nulls are left out. A reject's location is the row, from 0. For the other
    parameters see :func:`read`.

    >>> tables = map(['{"resourceType": "Patient", "id": "p1"}', None, '{}'])
    >>> tables.patient.num_rows
    1
    >>> tables.rejects.select(["location", "message"]).to_pylist()
    [{'location': 'row 2', 'message': 'no resourceType'}]
    """
    options = _Options(source, timezone, base_urls, all_versions, strict)
    if hasattr(column, "__arrow_c_stream__"):
        column = column.__arrow_c_stream__()
    elif hasattr(column, "__arrow_c_array__"):
        column = column.__arrow_c_array__()
    elif isinstance(column, (str, bytes)):
        raise TypeError("a column of JSON texts is wanted, not one text")
    return Tables(_native.map(column, "column", options))


def view(
    definition: Union[dict[str, Any], str, "os.PathLike[str]"],
    files: Inputs,
    *,
    source: str = "default",
    all_versions: bool = False,
    strict: bool = False,
    timezone: str = "UTC",
    base_urls: Iterable[str] = (),
) -> Any:
    """Runs a ViewDefinition of SQL on FHIR over files, and returns its rows, an Arrow table.

    The definition is a dict, its JSON text, or the path of a file. Keys
    (``getResourceKey()``, ``getReferenceKey()``) are those of the tables of :func:`read`
    for the same source. A decimal has its digits as written in a column beside it, named
    ``…_text``. :class:`DefinitionError` shows all mistakes of a definition.

    Records that were rejected are told by a :class:`RejectsWarning`, or raised by
    ``strict=True``. For the other parameters see :func:`read`.

    >>> definition = {"resource": "Patient", "select": [{"column": [
    ...     {"name": "id", "path": "id"}, {"name": "born", "path": "birthDate", "type": "date"}]}]}
    >>> view(definition, b'{"resourceType": "Patient", "id": "p1", "birthDate": "1970-01-01"}').to_pylist()
    [{'id': 'p1', 'born': '1970-01-01'}]
    """
    options = _Options(source, timezone, base_urls, all_versions, strict, view=_text(definition))
    outcome = _native.read(Opened(files), options)
    rejects = outcome.rejects.num_rows
    if rejects:
        warnings.warn(
            f"{rejects} records have no rows in the view; strict=True raises the first",
            RejectsWarning,
            stacklevel=2,
        )
    return to_arrow(outcome.tables[0])


def _text(definition: Union[dict[str, Any], str, "os.PathLike[str]"]) -> str:
    if isinstance(definition, dict):
        return json.dumps(definition)
    if isinstance(definition, str) and definition.lstrip().startswith("{"):
        return definition
    path = os.fspath(definition)
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(path, str(error)) from error


def tables() -> dict[str, str]:
    """All tables in order, and what a row of each is.

    >>> list(tables())[:2]
    ['patient', 'patient_identifier']
    """
    return {schema.name: schema.comment for schema in _native.schemas()}


def schema(table: str) -> Any:
    """The schema of a table: ``pyarrow.Schema``, or, where pyarrow is not installed, an object
    with Arrow's C interface and a method ``columns``. Comments are in the metadata.

    >>> schema("patient").field("birth_date").type
    DataType(date32[day])
    """
    found = next((schema for schema in _native.schemas() if schema.name == table), None)
    if found is None:
        raise KeyError(f"there is no table {table!r}; fhirmill.tables() lists all")
    try:
        import pyarrow
    except ImportError:
        return found
    return pyarrow.schema(found)
