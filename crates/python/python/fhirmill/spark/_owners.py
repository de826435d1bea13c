"""References by identifier (``Practitioner?identifier=…``): who owns an identifier.

The owner is the one resource that has it. Resources that are contained in others own none.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

# What stands in place of systems, as the mapper has it: references by ``urn:uuid:``, those
# without a system, and those that no rule resolves.
ID_SYSTEM = "urn:uuid"
ANY_SYSTEM = "*"
REFERENCE_SYSTEM = "reference"

#: An identifier with its owner: types, system, value, type and key.
Owner = tuple[str, str, str, str, bytes]

#: The tables that have identifiers, with the columns of their owners.
TABLES = {"patient_identifier": ("patient_id", "Patient"), "resource_identifier": ("resource_id", None)}


def bearers(table: str, rows: DataFrame) -> DataFrame:
    """Who bears the identifiers of a table: id, resource_type, system and value."""
    key, resource_type = TABLES[table]
    return rows.where("value is not null").select(
        f.col(key).alias("id"),
        (f.col("resource_type") if resource_type is None else f.lit(resource_type)).alias(
            "resource_type"
        ),
        f.coalesce(f.col("system"), f.lit("")).alias("system"),
        f.col("value"),
    )


def by_id(resources: DataFrame) -> DataFrame:
    """Resources as bearers of their ids."""
    return resources.select(
        "id", "resource_type", f.lit(ID_SYSTEM).alias("system"), f.col("fhir_id").alias("value")
    )


def owners(asked: DataFrame, living: DataFrame) -> list[Owner]:
    """The identifiers among those asked for that exactly one of the living owns."""
    a = (
        asked.where(f.col("system") != REFERENCE_SYSTEM)
        .select("types", "system", "value")
        .distinct()
        .alias("a")
    )
    b = living.alias("b")
    is_of_type = f.expr("a.types = '' or array_contains(split(a.types, '[|]'), b.resource_type)")
    is_any = (f.col("a.system") == ANY_SYSTEM) & (f.col("b.system") != ID_SYSTEM)
    is_of_system = is_any | (f.col("a.system") == f.col("b.system"))
    found = (
        b.join(f.broadcast(a), (f.col("a.value") == f.col("b.value")) & is_of_system & is_of_type)
        .groupBy("a.types", "a.system", "a.value")
        .agg(
            f.countDistinct("b.id").alias("bearers"),
            f.first("b.resource_type").alias("resource_type"),
            f.first("b.id").alias("id"),
        )
        .where("bearers = 1")
        .collect()
    )
    return [(row[0], row[1], row[2], row["resource_type"], bytes(row["id"])) for row in found]
