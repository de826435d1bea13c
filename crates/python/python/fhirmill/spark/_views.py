"""Views for analysts as Spark's SQL: those of the schema ``analytics`` in Postgres."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from ._schema import shapes, table_schema
from ._stores import DeltaStore, IcebergStore, Store, store

# The names of tables after these words are those of the lake.
_TABLE = re.compile(r"\b(from|join)\s+([a-z][a-z_]*)\b")

# Functions that Postgres has of its own in the schema analytics.
_LOCAL_DATE = re.compile(r"\bLOCAL_DATE\(([a-z_.]+)\)")
_IN_USE = re.compile(r"\bIN_USE\(([a-z_.]+), ([a-z_.]+), ([a-z_.]+)\)")


def view_names() -> list[str]:
    """The views that there are."""
    folder = files(__package__) / "views"
    return sorted(
        found.name.removesuffix(".sql") for found in folder.iterdir() if found.name.endswith(".sql")
    )


def views(spark: SparkSession, into: str, format: str = "delta") -> dict[str, DataFrame]:
    """The views over the tables of a lake, by name.

    They have the columns of those in Postgres, but for ``loaded_at``, which the lake does not
    have. They show the tables as the last load has left them, whatever is being loaded.
    """
    lake = store(spark, into, format)
    versions = _versions(lake)
    known: set[str] = set()

    def view(name: str) -> DataFrame:
        text = (files(__package__) / "views" / f"{name}.sql").read_text(encoding="utf-8")
        return spark.sql(_TABLE.sub(lambda found: f"{found[1]} {table(found[2])}", _functions(text)))

    def table(name: str) -> str:
        if name != "etl_source" and name not in shapes():
            return name
        if name not in known:
            rows = _sources(spark, lake) if name == "etl_source" else _table(spark, lake, name, versions)
            rows.createOrReplaceTempView(f"fhirmill_{name}")
            known.add(name)
        return f"fhirmill_{name}"

    return {name: view(name) for name in view_names()}


def _functions(text: str) -> str:
    written = r"ltrim(\1)"
    date = (
        f"make_date(cast(substr({written}, 1, 4) as int), "
        f"coalesce(cast(nullif(substr({written}, 6, 2), '') as int), 1), "
        f"coalesce(cast(nullif(substr({written}, 9, 2), '') as int), 1))"
    )
    in_use = (
        r"(not (\1 <=> 'old') and coalesce(\2 <= current_timestamp(), true) "
        r"and coalesce(\3 >= current_timestamp(), true))"
    )
    return _IN_USE.sub(in_use, _LOCAL_DATE.sub(date, text))


def _versions(lake: Store) -> dict[str, Any]:
    """The version of each table that the last load of it has committed."""
    versions: dict[str, Any] = {}
    if lake.exists("etl_run"):
        for row in lake.read("etl_run").select("finished", "versions").sort("finished").collect():
            versions.update(json.loads(row["versions"]))
    return versions


def _table(spark: SparkSession, lake: Store, name: str, versions: dict[str, Any]) -> DataFrame:
    if not lake.exists(name):
        return spark.createDataFrame([], table_schema(name))
    if name in versions and isinstance(lake, (DeltaStore, IcebergStore)):
        return lake.read_version(name, versions[name])
    return lake.read(name)


def _sources(spark: SparkSession, lake: Store) -> DataFrame:
    if not lake.exists("etl_run"):
        return spark.createDataFrame([], "id int, code string")
    return lake.read("etl_run").selectExpr("source_id as id", "source as code").distinct()
