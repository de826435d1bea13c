"""Loads into Delta, Iceberg and Parquet: first ones, again, changes and deletions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fhirmill as fm
import pytest
from fhirmill.spark import load
from fhirmill.spark._stores import store
from sessions import HAS_JARS

FORMATS = ("delta", "iceberg", "parquet") if HAS_JARS else ("delta", "parquet")


def patient(id: str, version: int, **more: Any) -> dict[str, Any]:
    meta = {"versionId": str(version), "lastUpdated": f"2024-01-{version:02}T00:00:00Z"}
    return {"resourceType": "Patient", "id": id, "meta": meta, **more}


def write(folder: Path, name: str, *resources: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(json.dumps(resource) + "\n" for resource in resources))


def place(format: str, tmp_path: Path) -> str:
    return f"ice.t{abs(hash(str(tmp_path)))}" if format == "iceberg" else str(tmp_path / "lake")


def tables(spark: Any, into: str, format: str) -> dict[str, list[Any]]:
    lake = store(spark, into, format)
    found = {}
    for name in fm.tables():
        if lake.exists(name):
            rows = lake.read(name).collect()
            if rows:
                found[name] = sorted(
                    str({k: v for k, v in row.asDict().items() if k != "source_id"}) for row in rows
                )
    return found


def expected(tables: fm.Tables) -> dict[str, int]:
    return {name: tables[name].num_rows for name in tables if not name.endswith("_history")}


@pytest.mark.parametrize("format", FORMATS)
def test_versions(spark: Any, tmp_path: Path, format: str) -> None:
    into, files = place(format, tmp_path), tmp_path / "in"
    if format == "iceberg":
        spark.sql(f"create namespace {into}")
    contained = {
        "contained": [{"resourceType": "Organization", "id": "o", "name": "O"}],
        "managingOrganization": {"reference": "#o"},
    }
    names = [{"family": "Smith"}, {"family": "Jones"}]
    write(files, "a.ndjson", patient("p1", 2, name=names, **contained), patient("p2", 2, name=names[:1]))
    write(
        files,
        "b.ndjson",
        patient("p3", 2, name=names),
        {"resourceType": "Patient", "id": "bad", "birthDate": "x"},
    )

    def run(**more: Any) -> Any:
        return load(spark, str(files), into, format=format, source="s", threads=2, **more)

    first = run()
    assert (first.seen, first.inserted, first.rejected, first.files) == (4, 3, 1, 2)
    loaded = tables(spark, into, format)
    assert {name: len(rows) for name, rows in loaded.items()} == expected(fm.read(files, source="s"))

    lake = store(spark, into, format)
    commits = sorted(map(str, lake.journal().names()))
    again = run()
    assert (again.run, again.seen, again.files_known) == (None, 0, 2)
    assert tables(spark, into, format) == loaded
    assert sorted(map(str, store(spark, into, format).journal().names())) == commits
    # Read again, it is the same content of the same versions.
    again = run(again=True)
    assert (again.seen, again.unchanged, again.rejected) == (4, 3, 1)
    assert tables(spark, into, format) == loaded

    # Fewer children and nothing contained; an older version; a deletion; a new resource.
    write(
        files,
        "c.ndjson",
        patient("p1", 3, name=names[:1]),
        patient("p2", 1),
        patient("p4", 1, name=names),
    )
    entry = {
        "request": {"method": "DELETE", "url": "Patient/p3"},
        "response": {"status": "204", "lastModified": "2024-02-01T00:00:00Z"},
    }
    (files / "d.json").write_text(
        json.dumps({"resourceType": "Bundle", "type": "history", "entry": [entry]})
    )
    changed = run()
    assert (changed.seen, changed.inserted, changed.updated, changed.stale, changed.deleted) == (
        4,
        1,
        1,
        1,
        1,
    )
    now = tables(spark, into, format)
    whole = fm.read(files, source="s")
    assert {name: len(rows) for name, rows in now.items()} == expected(whole)
    assert {row.family for row in store(spark, into, format).read("patient_name").collect()} == {
        "Smith",
        "Jones",
    }
    assert run().run is None

    # Another source has keys of its own.
    other = load(spark, str(files / "a.ndjson"), into, format=format, source="t", threads=2)
    assert (other.inserted, other.files) == (2, 1)
    assert len(tables(spark, into, format)["patient"]) == len(now["patient"]) + 2


def test_the_same_content_at_a_later_time(spark: Any, tmp_path: Path) -> None:
    files, into = tmp_path / "in", str(tmp_path / "lake")
    write(files, "a.ndjson", patient("p", 1, name=[{"family": "A"}, {"family": "B"}]))
    load(spark, str(files), into)
    write(files, "b.ndjson", patient("p", 5, name=[{"family": "A"}, {"family": "B"}]))
    account = load(spark, str(files), into)
    assert (account.seen, account.unchanged) == (1, 1)
    lake = store(spark, into, "delta")
    assert [row[0] for row in lake.read("patient").selectExpr("day(last_updated)").collect()] == [5]
    assert [row[0] for row in lake.read("etl_resource").select("version_id").collect()] == ["5"]
    assert lake.read("patient_name").count() == 2


@pytest.mark.parametrize("format", FORMATS)
def test_a_merge_that_changes_nothing(spark: Any, tmp_path: Path, format: str) -> None:
    """Rows of some tables may be those of many types, none of which is replaced."""
    into, files = place(format, tmp_path), tmp_path / "in"
    if format == "iceberg":
        spark.sql(f"create namespace {into}")
    doctor = {"resourceType": "Practitioner", "id": "d", "identifier": [{"system": "npi", "value": "1"}]}
    write(files, "a.ndjson", patient("p", 1), doctor)
    load(spark, str(files), into, format=format, source="s", threads=2)
    lake = store(spark, into, format)
    assert lake.read("resource_identifier").count() == 1
    write(files, "b.ndjson", patient("p", 2, gender="female"))
    account = load(spark, str(files), into, format=format, source="s", threads=2)
    assert (account.seen, account.updated) == (1, 1)
    assert store(spark, into, format).read("resource_identifier").count() == 1


def test_references_by_identifier(spark: Any, tmp_path: Path) -> None:
    files, into = tmp_path / "in", str(tmp_path / "lake")
    doctor = {"resourceType": "Practitioner", "id": "d", "identifier": [{"system": "npi", "value": "1"}]}
    twin = {"resourceType": "Practitioner", "id": "e", "identifier": [{"system": "npi", "value": "2"}]}
    visits = [
        {
            "resourceType": "Encounter",
            "id": f"v{number}",
            "status": "finished",
            "class": {"code": "AMB"},
            "participant": [{"individual": {"reference": f"Practitioner?identifier=npi|{number}"}}],
        }
        for number in (1, 2)
    ]
    write(files, "a.ndjson", *visits)
    write(files, "z.ndjson", doctor, twin, {**twin, "id": "f"})
    load(spark, str(files), into, split_bytes=200)
    found = fm.read(files)
    lake = store(spark, into, "delta")
    for name in ("encounter_participant", "encounter"):
        loaded = sorted(str({**row.asDict(), "source_id": 1}) for row in lake.read(name).collect())
        wanted = sorted(str({**row, "source_id": 1}) for row in found[name].to_pylist())
        assert [line.replace("bytearray(", "").replace("')", "'") for line in loaded] == wanted


@pytest.mark.parametrize("format", FORMATS)
def test_owners_come_later(spark: Any, tmp_path: Path, format: str) -> None:
    """References by identifier, and by the URL of a server, that a later load can resolve."""
    into, files = place(format, tmp_path), tmp_path / "in"
    if format == "iceberg":
        spark.sql(f"create namespace {into}")
    numbers = ("1", "2", "3")

    def doctor(id: str, number: str) -> dict[str, Any]:
        return {
            "resourceType": "Practitioner",
            "id": id,
            "identifier": [{"system": "npi", "value": number}],
        }

    def visit(id: str, *numbers: str) -> dict[str, Any]:
        refer = [{"individual": {"reference": f"Practitioner?identifier=npi|{n}"}} for n in numbers]
        group = {"contained": [{"resourceType": "Group", "id": "g"}], "subject": {"reference": "#g"}}
        return {
            "resourceType": "Encounter",
            "id": id,
            "status": "finished",
            "class": {"code": "AMB"},
            "participant": refer,
            **group,
        }

    def run(name: str, *resources: dict[str, Any]) -> Any:
        write(files, name, *resources)
        return load(spark, str(files), into, format=format, source="s", split_bytes=600, threads=2)

    def participants() -> list[tuple[str, Any]]:
        lake = store(spark, into, format)
        owned = {bytes(row.id): row.fhir_id for row in lake.read("practitioner").collect()}
        visits = {bytes(row.id): row.fhir_id for row in lake.read("encounter").collect()}
        return sorted(
            (f"{visits[bytes(row.encounter_id)]}/{row.ordinal}", row.individual_id and owned[bytes(row.individual_id)])
            for row in lake.read("encounter_participant").collect()
        )  # fmt: skip

    # One of three has an owner. The second file is gone before the others come.
    run("a.ndjson", visit("v", *numbers), visit("w", "1"), visit("x", "2"), doctor("d1", "1"), patient("p", 1))
    run("b.ndjson", visit("gone", "2"))
    assert participants() == [
        ("gone/1", None), ("v/1", "d1"), ("v/2", None), ("v/3", None), ("w/1", "d1"), ("x/1", None),
    ]  # fmt: skip
    (files / "b.ndjson").unlink()
    account = run("c.ndjson", doctor("d2", "2"), {"resourceType": "Patient", "id": "bad", "birthDate": "x"})
    assert (account.seen, account.inserted, account.rejected) == (2, 1, 1)
    assert participants() == [
        ("gone/1", None), ("v/1", "d1"), ("v/2", "d2"), ("v/3", None), ("w/1", "d1"), ("x/1", "d2"),
    ]  # fmt: skip
    # Meanwhile a later version has counted; what nobody asked for, and another source's, changes nothing.
    run("d.ndjson", visit("x", "3"), doctor("d9", "9"))
    load(spark, str(files / "c.ndjson"), into, format=format, source="t", threads=2)
    account = run("e.ndjson", doctor("d3", "3"))
    assert (account.seen, account.inserted) == (1, 1)
    found = participants()
    assert found[1:] == [("v/1", "d1"), ("v/2", "d2"), ("v/3", "d3"), ("w/1", "d1"), ("x/1", "d3")]
    lake = store(spark, into, format)
    assert lake.read("etl_asked").select("value").collect() == [("2",)]
    whole = fm.read(files, source="s")
    assert lake.read("other_resource").count() == whole.other_resource.num_rows + 1
    assert lake.read("etl_reject").count() == 2
    assert lake.read("etl_resource").where("source = 's' and revision > 1").count() == 1


def test_a_claim_is_one(tmp_path: Path) -> None:
    from fhirmill.spark._claims import claim
    from fhirmill.spark._errors import BusyError
    from fhirmill.spark._storage import Folder

    journal = Folder(str(tmp_path))
    first = claim(journal, "s/1", "one", take_over=False)
    with pytest.raises(BusyError, match="is being loaded by run one"):
        claim(journal, "s/1", "two", take_over=False)
    claim(journal, "other", "three", take_over=False).end()
    second = claim(journal, "s/1", "two", take_over=True)
    assert second.unfinished == ["one"]
    with pytest.raises(BusyError, match="has taken over"):
        first.check()
    third = claim(journal, "s/1", "three", take_over=True)
    assert third.unfinished == ["one", "two"]
    third.end()
    assert claim(journal, "s/1", "four", take_over=False).unfinished == []
