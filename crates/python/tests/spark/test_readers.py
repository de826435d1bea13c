"""Readers that have nothing to do with Spark read what it has written: deltalake and pyiceberg."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fhirmill as fm
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from fhirmill.spark import load
from fhirmill.spark._stores import store
from sessions import HAS_JARS
from test_faults import ice
from test_load import patient, write

FORMATS = ("delta", "iceberg") if HAS_JARS else ("delta",)


def of_delta(folder: Path) -> pa.Table:
    deltalake = pytest.importorskip("deltalake")
    return deltalake.DeltaTable(str(folder)).to_pyarrow_table()


def of_iceberg(folder: Path) -> pa.Table:
    table = pytest.importorskip("pyiceberg.table")
    version = (folder / "metadata" / "version-hint.text").read_text().strip()
    metadata = folder / "metadata" / f"v{version}.metadata.json"
    return table.StaticTable.from_metadata(str(metadata)).scan().to_arrow()


def sums(table: pa.Table) -> dict[str, Any]:
    """By column, how many values there are, and their sum if they are numbers."""
    found: dict[str, Any] = {"rows": table.num_rows}
    for name in sorted(table.column_names):
        column = table[name]
        found[name] = len(column) - column.null_count
        kind = column.type
        if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
            found[f"{name} sum"] = pc.sum(column).as_py()
    return found


@pytest.mark.parametrize("format", FORMATS)
def test_counts_and_sums(spark: Any, tmp_path: Path, format: str) -> None:
    files, lake = tmp_path / "in", tmp_path / "lake"
    into = ice(spark, tmp_path) if format == "iceberg" else str(lake)
    folder = tmp_path / "warehouse" / "ice" / "lake" if format == "iceberg" else lake

    def weight(id: str, version: int, value: str) -> dict[str, Any]:
        quantity = {"value": float(value), "unit": "kg"}
        code = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
        subject = {"reference": "Patient/p1"}
        return {
            **patient(id, version),
            "resourceType": "Observation",
            "status": "final",
            "code": code,
            "subject": subject,
            "valueQuantity": quantity,
        }

    names = [{"family": "Smith"}, {"family": "Jones"}]
    write(files, "a.ndjson", *(patient(f"p{n}", 1, name=names) for n in range(4)))
    write(files, "o.ndjson", *(weight(f"o{n}", 1, f"{70 + n}.25") for n in range(5)))
    load(spark, str(files), into, format=format, source="s", threads=2)
    # Some rows are replaced, by MERGE.
    write(files, "b.ndjson", patient("p1", 2, name=names[:1]), weight("o1", 2, "12.5"))
    load(spark, str(files), into, format=format, source="s", threads=2)

    whole, tables = fm.read(files, source="s"), store(spark, into, format)
    read = of_iceberg if format == "iceberg" else of_delta
    loaded = [name for name in fm.tables() if tables.exists(name)]
    assert {"patient", "patient_name", "observation"} <= set(loaded)
    for name in loaded:
        found, wanted = sums(read(folder / name)), sums(whole[name])
        # The number of a source is the lake's own.
        for told in (found, wanted):
            told.pop("source_id sum", None)
        assert found == wanted, name
    values = read(folder / "observation")["value_quantity_value"].to_pylist()
    assert float(sum(values)) == 70.25 + 12.5 + 72.25 + 73.25 + 74.25
