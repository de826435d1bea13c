"""Every table is that of Postgres, row by row: after a first load, after changes and deletions.

FHIRMILL_BIN is the program, with a Postgres that it reaches by itself. FHIRMILL_SPARK_DATA is a
folder with more files to compare.
"""

from __future__ import annotations

import decimal
import importlib.machinery
import importlib.util
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from fhirmill.spark import load, views
from fhirmill.spark._schema import shapes

psycopg = pytest.importorskip("psycopg")
deltalake = pytest.importorskip("deltalake")

ROOT = Path(__file__).parents[4]
PROGRAM = os.environ.get("FHIRMILL_BIN")
PATIENTS = int(os.environ.get("FHIRMILL_SPARK_PATIENTS", "8"))
pytestmark = pytest.mark.skipif(not PROGRAM, reason="FHIRMILL_BIN is not set")


def comparer() -> Any:
    loader = importlib.machinery.SourceFileLoader(
        "lake_equality", str(ROOT / "scripts" / "lake-equality")
    )
    spec = importlib.util.spec_from_loader("lake_equality", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


class Postgres:
    """A private database with its inbox."""

    def __init__(self, place: Path) -> None:
        self.equality = comparer()
        self.place = place
        place.chmod(0o755)

    def load(self, folder: Path) -> None:
        self.equality.fill_inbox(folder, self.place / "inbox")
        self.equality.fhirmill(PROGRAM, self.place, "once")

    def url(self) -> str:
        return str(self.equality.fhirmill(PROGRAM, self.place, "database", "url")).strip()

    def reset(self) -> None:
        self.equality.fhirmill(PROGRAM, self.place, "database", "reset", "--yes")


def lake_rows(lake: Path, table: str, types: dict[str, str], equality: Any, names: Any) -> list[str]:
    if not (lake / table / "_delta_log").exists():
        return []
    batches = deltalake.DeltaTable(str(lake / table)).to_pyarrow_table().to_batches()
    return sorted(equality.lake_rows(batches, types, names))


def assert_equal(postgres: Postgres, lake: Path) -> int:
    equality = postgres.equality
    total = 0
    with psycopg.connect(postgres.url()) as connection:
        names = equality.names_of_keys(connection)
        different = []
        for table in shapes():
            types = equality.types_of(connection, table)
            wanted = sorted(equality.loaded_rows(connection, table, types, names))
            found = lake_rows(lake, table, types, equality, names)
            total += len(wanted)
            if wanted != found:
                only = (sorted(set(wanted) - set(found))[:2], sorted(set(found) - set(wanted))[:2])
                different.append(
                    (table, len(wanted), len(found), only if os.environ.get("SHOW_ROWS") else "")
                )
    assert not different, f"{different} of {total} rows"
    return total


def assert_views_equal(
    spark: Any, postgres: Postgres, lake: Path, least: int = 3, has_ties: bool = False
) -> None:
    """Compares the rows of all views, of which Postgres has to have ``least``. Diagnoses of the same
    rank and time are in order of their keys, which are Postgres' own."""
    found = views(spark, str(lake))
    with psycopg.connect(postgres.url()) as connection:
        names = postgres.equality.names_of_keys(connection)
        for view, frame in found.items():
            columns, casts = [], []
            for field in frame.schema:
                kind, name = field.dataType.simpleString(), field.name
                if kind == "binary":
                    key = f"select resource_type || '/' || fhir_id from etl.resource_key k where k.id = v.{name}"
                    columns.append(f"({key})")
                elif kind == "timestamp":
                    columns.append(f"(extract(epoch from v.{name}) * 1000000)::bigint")
                else:
                    columns.append(f"v.{name}")
                casts.append(f"unix_micros({name}) as {name}" if kind == "timestamp" else name)
            wanted = connection.execute(
                f"select {', '.join(columns)} from analytics.{view} v"
            ).fetchall()
            rows = [
                tuple(plain(value, names, has_ties) for value in row)
                for row in frame.selectExpr(*casts).collect()
            ]
            wanted = [tuple(plain(value, names, has_ties) for value in row) for row in wanted]
            assert len(wanted) >= least, view
            assert sorted(map(str, rows)) == sorted(map(str, wanted)), view


def plain(value: Any, names: Any, has_ties: bool) -> Any:
    if has_ties and isinstance(value, list):
        return sorted(value)
    if isinstance(value, (bytes, bytearray)):
        return names[bytes(value)]
    if isinstance(value, decimal.Decimal):
        # What has too many digits for the lake is only in the column of texts.
        exponent = value.normalize().as_tuple().exponent
        if abs(value) >= 10**20 or (isinstance(exponent, int) and exponent < -18):
            return None
        return format(value.normalize(), "f")
    return value


def changed(folder: Path, into: Path) -> None:
    """Later versions of half of the resources, some with fewer items; older ones; deletions."""
    rng = random.Random(5)
    into.mkdir()
    later, deleted = [], []
    for file in sorted(folder.glob("*.ndjson")):
        for line in file.read_text().splitlines():
            resource = json.loads(line)
            chance = rng.random()
            if chance < 0.1 and resource["resourceType"] != "Patient":
                url = f"{resource['resourceType']}/{resource['id']}"
                response = {"status": "204", "lastModified": "2031-01-01T00:00:00Z"}
                deleted.append({"request": {"method": "DELETE", "url": url}, "response": response})
            elif chance < 0.6:
                is_older = chance < 0.2
                time = "1990-01-01T00:00:00Z" if is_older else "2030-01-01T00:00:00Z"
                resource.setdefault("meta", {}).update(
                    {"lastUpdated": time, "versionId": "1" if is_older else "900"}
                )
                for name, value in list(resource.items()):
                    if isinstance(value, list) and len(value) > 1 and name != "contained":
                        resource[name] = value[:-1]
                later.append(json.dumps(resource))
    (into / "later.ndjson").write_text("\n".join(later) + "\n")
    (into / "deleted.json").write_text(
        json.dumps({"resourceType": "Bundle", "type": "history", "entry": deleted})
    )


def stamp(folder: Path) -> None:
    """Gives two of three resources a time and a version."""
    for file in folder.glob("*.ndjson"):
        lines = []
        for number, line in enumerate(file.read_text().splitlines()):
            resource = json.loads(line)
            if number % 3:
                resource.setdefault("meta", {}).update(
                    {"lastUpdated": "2020-01-01T00:00:00Z", "versionId": "7"}
                )
            lines.append(json.dumps(resource))
        file.write_text("\n".join(lines) + "\n")


def refer_to_nobody(folder: Path) -> None:
    """Adds resources with references that no resource owns."""
    lines = []
    for number in range(6):
        subject = {"reference": f"https://elsewhere.example/Patient/nobody-{number % 4}", "display": f"Nobody {number}"}
        code = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
        visit = {"reference": f"Encounter?identifier=urn:visits|{number}"}
        basic = {"resourceType": "Observation", "id": f"lost-{number}", "status": "final", "code": code}
        lines.append(json.dumps({**basic, "subject": subject, "encounter": visit}))
    (folder / "lost.ndjson").write_text("\n".join(lines) + "\n")


@pytest.mark.skipif(PATIENTS == 0, reason="FHIRMILL_SPARK_PATIENTS is 0")
def test_generated_patients(spark: Any, tmp_path: Path) -> None:
    # The rows of views are compared in memory.
    has_views = PATIENTS <= 50
    postgres = Postgres(tmp_path)
    postgres.equality.fhirmill(
        PROGRAM, tmp_path, "generate", "--patients", str(PATIENTS), "--out", "first", "--format", "ndjson"
    )
    first, second, lake = tmp_path / "first", tmp_path / "second", tmp_path / "lake"
    refer_to_nobody(first)
    stamp(first)
    changed(first, second)
    try:
        postgres.load(first)
        account = load(spark, str(first), str(lake), split_bytes=200_000)
        assert account.rejected == 0 and account.inserted > 100
        assert assert_equal(postgres, lake) > 1000
        if has_views:
            assert_views_equal(spark, postgres, lake)
        postgres.load(second)
        account = load(spark, str(second), str(lake), split_bytes=200_000)
        assert account.updated > 20 and account.deleted > 5 and account.stale > 5
        assert_equal(postgres, lake)
        if has_views:
            assert_views_equal(spark, postgres, lake)
        assert load(spark, [str(first), str(second)], str(lake)).run is None
        assert load(spark, [str(second)], str(lake), again=True).updated == 0
        assert_equal(postgres, lake)
    finally:
        postgres.reset()


@pytest.mark.skipif(not os.environ.get("FHIRMILL_SPARK_DATA"), reason="FHIRMILL_SPARK_DATA is not set")
def test_a_folder(spark: Any, tmp_path: Path) -> None:
    folder = Path(os.environ["FHIRMILL_SPARK_DATA"])
    postgres = Postgres(tmp_path)
    try:
        postgres.load(folder)
        load(spark, str(folder), str(tmp_path / "lake"))
        print(assert_equal(postgres, tmp_path / "lake"), "rows are equal")
        assert_views_equal(spark, postgres, tmp_path / "lake", least=0, has_ties=True)
    finally:
        postgres.reset()
