"""FHIR R4 files as tables of Delta, Iceberg or Parquet, by Spark.

>>> from fhirmill.spark import load                                      # doctest: +SKIP
>>> load(spark, "s3a://in/", into="lake.fhir", format="delta", source="st-marys")  # doctest: +SKIP

The tables, keys and the version rule are those of the rest of fhirmill. Rust reads, maps and
writes Parquet in the tasks, and Spark decides, sorts and commits.
"""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

from ._errors import BusyError, CheckError, LoadError
from ._load import Account, load
from ._map import MappedFrames, map_json
from ._view import view
from ._views import view_names, views

try:
    from ._source import FhirDataSource
except ImportError:
    # Spark 3.5 has no data sources in Python.
    FhirDataSource = None  # type: ignore[assignment, misc]

__all__ = [
    "Account",
    "BusyError",
    "CheckError",
    "FhirDataSource",
    "LoadError",
    "MappedFrames",
    "load",
    "map_json",
    "register",
    "view",
    "view_names",
    "views",
]


def register(spark: SparkSession) -> None:
    """Makes ``spark.read.format("fhirmill")`` known to a session of Spark 4 or later."""
    sources: Any = getattr(spark, "dataSource", None)
    if FhirDataSource is None or sources is None:
        raise LoadError("data sources in Python need Spark 4; map_json and load work before it")
    sources.register(FhirDataSource)
