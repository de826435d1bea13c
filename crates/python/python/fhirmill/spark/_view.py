"""Rows of a ViewDefinition, from frames of JSON texts."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Union

import pyarrow as pa
from pyspark.sql import DataFrame

from .. import _native, _text
from .._tables import to_reader
from ._map import Batches, MapOptions, column_of
from ._schema import for_spark, spark_schema, to_arrow


def view(
    frame: DataFrame,
    definition: Union[dict[str, Any], str, "os.PathLike[str]"],
    column: str | None = None,
    *,
    source: str = "default",
    timezone: str = "UTC",
    base_urls: list[str] | None = None,
    strict: bool = True,
) -> DataFrame:
    """Runs a ViewDefinition of SQL on FHIR over a column of JSON texts, each a resource or a
    Bundle, and returns its rows.

    Columns and keys are those of :func:`fhirmill.view`; the keys lead to the tables of
    :func:`load` and :func:`map_json` for the same source. All texts have rows, older versions of
    a resource as well. :class:`fhirmill.DefinitionError` shows all mistakes of a definition at
    once. A text that cannot be read ends the query; ``strict=False`` leaves it out, and
    ``map_json(…).rejects`` says why.
    """
    options = MapOptions(source, timezone, base_urls or [])
    options.view = _text(definition)
    options.strict = strict
    nothing = _native.map(pa.array([], pa.string()).__arrow_c_array__(), "column", options)
    schema = for_spark(to_reader(nothing.tables[0]).schema).remove_metadata()
    return frame.select(column_of(frame, column)).mapInArrow(_run(options), spark_schema(schema))


def _run(options: MapOptions) -> Callable[[Batches], Batches]:
    def run(batches: Batches) -> Batches:
        for batch in batches:
            outcome = _native.map(batch.column(0).__arrow_c_array__(), "column", options)
            yield from to_arrow(to_reader(outcome.tables[0]))

    return run
