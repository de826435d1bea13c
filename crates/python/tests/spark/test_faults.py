"""Loads that are killed, falsified or in each other's way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import fhirmill.spark._load as loading
import fhirmill.spark._run as running
import pyarrow.parquet as pq
import pytest
from fhirmill.spark import BusyError, CheckError, load
from fhirmill.spark._claims import claim
from fhirmill.spark._storage import Folder
from fhirmill.spark._stores import store
from sessions import HAS_JARS
from test_load import patient, tables, write

SCRIPT = Path(__file__).parent / "killed.py"

# Between any two commits, and before the first and after the last.
POINTS = [
    "map",
    "decide",
    "decided",
    "table patient",
    "tables",
    "contained",
    "registry",
    "files",
    "run",
    "done",
]


needs_jvm = pytest.mark.skipif(not HAS_JARS, reason="FHIRMILL_SPARK_JARS is not set")


class Killed(BaseException):
    pass


def first(files: Path) -> None:
    contained = {
        "contained": [{"resourceType": "Organization", "id": "o"}],
        "managingOrganization": {"reference": "#o"},
    }
    write(
        files,
        "a.ndjson",
        *(patient(f"p{n}", 2, name=[{"family": "A"}, {"family": "B"}], **contained) for n in range(4)),
    )


def second(files: Path) -> None:
    write(
        files, "b.ndjson", patient("p1", 3, name=[{"family": "C"}]), patient("p2", 1), patient("p9", 1)
    )


def die_at(monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    def checkpoint(name: str) -> None:
        if name == point:
            raise Killed

    monkeypatch.setattr(running, "checkpoint", checkpoint)
    monkeypatch.setattr(loading, "checkpoint", checkpoint)
    # Who is killed ends nothing.
    monkeypatch.setattr("fhirmill.spark._claims.Claim.end", lambda self: None)
    monkeypatch.setattr("fhirmill.spark._claims.Claim.leave", lambda self: None)


def counts(spark: Any, lake: Path, format: str) -> dict[str, int]:
    found = store(spark, str(lake), format)
    runs = found.read("etl_run").collect()
    assert len({row.run for row in runs}) == len(runs)
    files = found.read("etl_load_file").collect()
    assert len({row.id for row in files}) == len(files)
    names = ("seen", "inserted", "updated", "unchanged", "stale", "deleted", "rejected", "skipped")
    return {name: sum(row[name] for row in files) for name in names}


@pytest.mark.parametrize("format", ["delta", "parquet"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_between_commits(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, format: str
) -> None:
    files, lake, undisturbed = tmp_path / "in", tmp_path / "lake", tmp_path / "undisturbed"
    for step in (first, second):
        step(files)
        load(spark, str(files), str(undisturbed), format=format, source="s", threads=1)
        with monkeypatch.context() as patch:
            die_at(patch, point)
            with pytest.raises(Killed):
                load(spark, str(files), str(lake), format=format, source="s", threads=1)
        # The process lives, so that its claim seems to hold.
        with pytest.raises(BusyError, match="take_over=True"):
            load(spark, str(files), str(lake), format=format, source="s", threads=1)
        load(spark, str(files), str(lake), format=format, source="s", threads=1, take_over=True)
        assert tables(spark, str(lake), format) == tables(spark, str(undisturbed), format)
        assert counts(spark, lake, format) == counts(spark, undisturbed, format)
        assert load(spark, str(files), str(lake), format=format, source="s").run is None


def test_a_falsified_manifest_is_refused(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, lake = tmp_path / "in", tmp_path / "lake"
    first(files)
    with monkeypatch.context() as patch:
        die_at(patch, "decided")
        with pytest.raises(Killed):
            load(spark, str(files), str(lake), source="s")
    (manifest,) = lake.glob("_fhirmill/runs/*/manifest.json")
    honest = manifest.read_text()
    for name, change in (("rows", 1), ("bytes", 1), ("path", "x")):
        content = json.loads(honest)
        entry = next(entry for entry in content["entries"] if entry["table"] == "patient_name")
        entry[name] += change
        manifest.write_text(json.dumps(content))
        with pytest.raises(CheckError, match="where its manifest says"):
            load(spark, str(files), str(lake), source="s", take_over=True)
    # A staged file that is left out altogether.
    content = json.loads(honest)
    content["entries"] = [entry for entry in content["entries"] if entry["table"] != "patient_name"]
    manifest.write_text(json.dumps(content))
    with pytest.raises(CheckError, match="rows were staged"):
        load(spark, str(files), str(lake), source="s", take_over=True)
    assert not (lake / "etl_resource").exists() and not (lake / "patient").exists()
    manifest.write_text(honest)
    load(spark, str(files), str(lake), source="s", take_over=True)
    assert len(tables(spark, str(lake), "delta")["patient_name"]) == 8


def test_a_dropped_row_is_told(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, lake = tmp_path / "in", tmp_path / "lake"
    first(files)

    def dropping(table: str) -> Any:
        def checkpoint(name: str) -> None:
            if name == "map":
                (staged,) = lake.glob(f"_fhirmill/runs/*/staging/{table}/*.parquet")
                pq.write_table(pq.read_table(staged)[:-1], staged)

        return checkpoint

    for table in ("patient_name", "etl_incoming"):
        with monkeypatch.context() as patch:
            patch.setattr(loading, "checkpoint", dropping(table))
            with pytest.raises(CheckError, match="nothing was committed"):
                load(spark, str(files), str(lake), source="s")
    with monkeypatch.context() as patch:
        # A record that is lost is missing in the account, too.
        patch.setattr(loading, "checkpoint", dropping("etl_incoming"))
        patch.setattr(running.Run, "check_manifest", lambda self: None)
        with pytest.raises(CheckError, match="are accounted for; nothing was committed"):
            load(spark, str(files), str(lake), source="s")
    assert sorted(path.name for path in lake.iterdir()) == ["_fhirmill"]

    # Rows that are lost on the way into a table.
    append = store(spark, str(lake), "delta").__class__.append
    with monkeypatch.context() as patch:
        patch.setattr(
            "fhirmill.spark._stores.DeltaStore.append",
            lambda self, table, rows: append(self, table, rows.limit(1)),
        )
        with pytest.raises(CheckError, match="1 rows were committed"):
            load(spark, str(files), str(lake), source="s", threads=1)
    assert not (lake / "etl_resource").exists()
    load(spark, str(files), str(lake), source="s")
    assert len(tables(spark, str(lake), "delta")["patient_name"]) == 8


def test_two_loads_of_one_source(spark: Any, tmp_path: Path) -> None:
    files, lake = tmp_path / "in", tmp_path / "lake"
    first(files)
    held = claim(Folder(str(lake)) / "_fhirmill", "s", "other", take_over=False)
    with pytest.raises(BusyError, match="is being loaded by run other"):
        load(spark, str(files), str(lake), source="s")
    assert load(spark, str(files), str(lake), source="t").inserted == 4
    held.end()
    assert load(spark, str(files), str(lake), source="s").inserted == 4


def script(arguments: list[str], log: Path, is_killed: bool) -> str:
    with log.open("w") as file:
        run = subprocess.run(
            [sys.executable, str(SCRIPT), *arguments], stdout=file, stderr=subprocess.STDOUT, timeout=600
        )
    text = log.read_text(errors="replace")
    assert (run.returncode != 0) == is_killed, text[-4000:]
    return text


@needs_jvm
def test_the_driver_is_killed(spark: Any, tmp_path: Path) -> None:
    files, lake = tmp_path / "in", tmp_path / "lake"
    write(
        files,
        "a.ndjson",
        *(patient(f"p{n}", 2, name=[{"family": "Zweistein"}]) for n in range(9)),
        {"resourceType": "Patient", "id": "x", "birthDate": "Zweistein"},
    )
    log = script([str(files), str(lake), "local[2]", "table patient"], tmp_path / "log", is_killed=True)
    assert (lake / "patient").exists() and not (lake / "etl_resource").exists()
    # Its process is gone: nobody need say so. Spark's log tells no values.
    log += script([str(files), str(lake), "local[2]", ""], tmp_path / "log", is_killed=False)
    assert "INFO" in log and "Zweistein" not in log
    found = tables(spark, str(lake), "delta")
    assert (len(found["patient"]), len(found["patient_name"])) == (9, 9)
    assert counts(spark, lake, "delta")["rejected"] == 1


@needs_jvm
def test_an_executor_is_killed(spark: Any, tmp_path: Path) -> None:
    files, lake = tmp_path / "in", tmp_path / "lake"
    write(
        files, "a.ndjson", *(patient(f"p{n}", 2, name=[{"family": "A" * 500}] * 3) for n in range(2000))
    )
    log = script(
        [str(files), str(lake), "local-cluster[2,1,1024]", "executor"], tmp_path / "log", is_killed=False
    )
    assert "killed an executor" in log
    found = tables(spark, str(lake), "delta")
    assert (len(found["patient"]), len(found["patient_name"])) == (2000, 6000)
    assert counts(spark, lake, "delta")["inserted"] == 2000
