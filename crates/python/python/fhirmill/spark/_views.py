"""Views for analysts as Spark's SQL: those of the schema ``analytics`` in Postgres."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from ._schema import shapes, table_schema
from ._stores import DeltaStore, IcebergStore, Store, store

# The names of tables after these words are those of the lake.
_TABLE = re.compile(r"\b((?:from|join)\s+\(*)(?!select\b)([a-z][a-z_]*)\b")

# Functions that Postgres has of its own in the schema analytics.
_LOCAL_DATE = re.compile(r"\bLOCAL_DATE\(([a-z_.]+)\)")
_IN_USE = re.compile(r"\bIN_USE\(([a-z_.]+), ([a-z_.]+), ([a-z_.]+)\)")


def view_names() -> list[str]:
    """The views that there are."""
    folder = files(__package__) / "views"
    return sorted(
        found.name.removesuffix(".sql") for found in folder.iterdir() if found.name.endswith(".sql")
    )


class Views(Mapping[str, DataFrame]):
    """The views over the tables of a lake, made when they are asked for."""

    def __init__(self, spark: SparkSession, lake: Store) -> None:
        self._spark = spark
        self._lake = lake
        self._versions = _versions(lake)
        self._known: set[str] = set()

    def __getitem__(self, name: str) -> DataFrame:
        if name not in view_names():
            raise KeyError(f"there is no view {name!r}; fhirmill.spark.view_names() lists all")
        text = (files(__package__) / "views" / f"{name}.sql").read_text(encoding="utf-8")
        sql = _TABLE.sub(lambda found: found[1] + self._named(found[2]), _functions(text))
        return self._spark.sql(sql)

    def __iter__(self) -> Iterator[str]:
        return iter(view_names())

    def __len__(self) -> int:
        return len(view_names())

    def _named(self, name: str) -> str:
        """What SQL calls a table, or another view."""
        is_ours = name in shapes() or name in _LEDGER or name in view_names()
        if is_ours and name not in self._known:
            self._frame(name).createOrReplaceTempView(f"fhirmill_{name}")
            self._known.add(name)
        return f"fhirmill_{name}" if is_ours else name

    def _frame(self, name: str) -> DataFrame:
        if name in _LEDGER:
            return _LEDGER[name](self._spark, self._lake)
        if name in shapes():
            return _table(self._spark, self._lake, name, self._versions)
        return self[name]


def views(spark: SparkSession, into: str, format: str = "delta") -> Views:
    """The views over the tables of a lake, by name.

    They have the columns of those in Postgres, but for ``loaded_at``, which the lake does not
    have, and ``example_id`` of ``unresolved_reference``. They show the tables as the last load
    has left them, whatever is being loaded.
    """
    return Views(spark, store(spark, into, format))


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


def _keys(spark: SparkSession, lake: Store) -> DataFrame:
    """The source of each resource, also of those that others contain."""
    if not lake.exists("etl_resource"):
        return spark.createDataFrame([], "id binary, source string")
    keys = lake.read("etl_resource").select("id", "source")
    if not lake.exists("etl_contained"):
        return keys
    contained = lake.read("etl_contained").select("id", "container_id")
    of_container = keys.withColumnRenamed("id", "container_id")
    return keys.unionByName(contained.join(of_container, "container_id").select("id", "source"))


# What views read besides the clinical tables.
_LEDGER = {"etl_source": _sources, "etl_resource_key": _keys}
