"""Tables that were read, and the account of what was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import _native


@dataclass(frozen=True)
class Account:
    """What became of the records. ``seen`` is the sum of all others.

    A record is a resource, a deletion, or a part of a file that could not be read.
    """

    #: All records.
    seen: int
    #: Versions that count: the rows of the tables are theirs.
    inserted: int
    #: Deletions that count.
    deleted: int
    #: Versions with the same content as the one that counts.
    unchanged: int
    #: Versions and deletions that are older than the one that counts.
    stale: int
    #: Records that could not be read or mapped.
    rejected: int
    #: Entries of Bundles without a resource.
    skipped: int


def to_arrow(table: _native.Table) -> Any:
    """The table as ``pyarrow.Table``, or as it is where pyarrow is not installed."""
    reader = to_reader(table)
    # pyarrow.table() would import pandas first, to see whether it is given a data frame.
    return table if reader is table else reader.read_all()


def to_reader(table: _native.Table) -> Any:
    """The table as ``pyarrow.RecordBatchReader``, or as it is where pyarrow is not installed."""
    try:
        import pyarrow
    except ImportError:
        return table
    return pyarrow.RecordBatchReader.from_stream(table)


class _Result(Mapping[str, Any]):
    """What :class:`Tables` and :class:`Scan` have in common."""

    def __init__(self, outcome: _native.Outcome) -> None:
        self._native = {table.name: table for table in outcome.tables}
        self._rejects = outcome.rejects
        self._files = outcome.files
        #: What became of the records.
        self.account = Account(*outcome.counts)

    def _table(self, name: str) -> _native.Table:
        try:
            return self._native[name]
        except KeyError:
            raise KeyError(f"there is no table {name!r}; fhirmill.tables() lists all") from None

    @property
    def rejects(self) -> Any:
        """The records that could not be read or mapped, an Arrow table: file, location,
        resource_type, fhir_id, path, reason and message. Values are never in it."""
        return to_arrow(self._rejects)

    @property
    def files(self) -> Any:
        """The account of each file, an Arrow table."""
        return to_arrow(self._files)

    def __iter__(self) -> Iterator[str]:
        """The names of the tables that have rows."""
        return (name for name, table in self._native.items() if table.has_rows)

    def __len__(self) -> int:
        """How many tables have rows."""
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        """Whether there is a table of that name, with or without rows."""
        return name in self._native

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._native]

    def __repr__(self) -> str:
        names = ", ".join(self)
        return f"<{type(self).__name__} of {self.account.inserted} resources: {names}>"


class Tables(_Result):
    """All tables, in memory: ``tables.patient`` or ``tables["patient"]``.

    Iterating gives the names of the tables that have rows; every other table is there too,
    and empty. A table is a ``pyarrow.Table``, or, where pyarrow is not installed, an object
    that Polars, DuckDB and pandas take by Arrow's C interface.
    """

    def __init__(self, outcome: _native.Outcome) -> None:
        super().__init__(outcome)
        self._arrow: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._arrow:
            self._arrow[name] = to_arrow(self._table(name))
        return self._arrow[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._native:
            raise AttributeError(f"there is no table {name!r}; fhirmill.tables() lists all")
        return self[name]


class Scan(_Result):
    """Readers of all tables, which wait in temporary files: ``scan["patient"]``.

    A reader is a ``pyarrow.RecordBatchReader``, or, where pyarrow is not installed, an object
    that Polars and DuckDB take by Arrow's C interface. Asking again gives a new reader, from
    the beginning. The files are deleted with the last reader.
    """

    def __getitem__(self, name: str) -> Any:
        return to_reader(self._table(name))
