"""Loads that are killed, falsified or in each other's way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import fhirmill.spark._load as loading
import fhirmill.spark._run as running
import pyarrow.parquet as pq
import pyspark
import pytest
from fhirmill.spark import BusyError, CheckError, load
from fhirmill.spark._claims import claim
from fhirmill.spark._storage import Folder
from fhirmill.spark._stores import store
from sessions import HAS_JARS
from test_load import FORMATS, patient, place, tables, write

SCRIPT = Path(__file__).parent / "killed.py"

# Whether processes are killed at every point, which takes long.
EVERYTHING = os.environ.get("FHIRMILL_SPARK_KILLS") == "all"

# Between any two commits, and before the first and after the last.
POINTS = [
    "map",
    "decide",
    "decided",
    "table patient",
    "tables",
    "contained",
    "asked",
    "registry",
    "files",
    "run",
    "done",
]
SOME_POINTS = POINTS if EVERYTHING else ["decided", "table patient", "registry"]

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


def counts(spark: Any, lake: Path | str, format: str) -> dict[str, int]:
    found = store(spark, str(lake), format)
    runs = found.read("etl_run").collect()
    assert len({row.run for row in runs}) == len(runs)
    files = found.read("etl_load_file").collect()
    assert len({row.id for row in files}) == len(files)
    names = ("seen", "inserted", "updated", "unchanged", "stale", "deleted", "rejected", "skipped")
    return {name: sum(row[name] for row in files) for name in names}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("point", SOME_POINTS)
def test_killed_between_commits(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, format: str
) -> None:
    files, undisturbed = tmp_path / "in", str(tmp_path / "undisturbed")
    lake = place(format, tmp_path)
    if format == "iceberg":
        spark.sql(f"create namespace {lake}")
    for step in (first, second):
        step(files)
        load(spark, str(files), undisturbed, format="parquet", source="s", threads=1)
        with monkeypatch.context() as patch:
            die_at(patch, point)
            with pytest.raises(Killed):
                load(spark, str(files), lake, format=format, source="s", threads=1)
        # The process lives, so that its claim seems to hold.
        with pytest.raises(BusyError, match="take_over=True"):
            load(spark, str(files), lake, format=format, source="s", threads=1)
        load(spark, str(files), lake, format=format, source="s", threads=1, take_over=True)
        assert tables(spark, lake, format) == tables(spark, undisturbed, "parquet")
        assert counts(spark, lake, format) == counts(spark, undisturbed, "parquet")
        assert load(spark, str(files), lake, format=format, source="s").run is None


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


def killed(tmp_path: Path, arguments: list[str], is_killed: bool) -> str:
    """Runs ``killed.py``; what it and Spark have logged, of all processes."""
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    log = scratch / "log"
    with log.open("a") as file:
        run = subprocess.run(
            [sys.executable, str(SCRIPT), *arguments, str(scratch)],
            stdout=file,
            stderr=subprocess.STDOUT,
            timeout=1200,
            env={
                **os.environ,
                "FHIRMILL_WAREHOUSE": str(tmp_path / "warehouse"),
                "SPARK_LOCAL_IP": "127.0.0.1",
            },
        )
    text = log.read_text(errors="replace")
    assert (run.returncode != 0) == is_killed, text[-4000:]
    # The logs of executors are in the folder of Spark.
    work = Path(pyspark.__file__).parent / "work" / (scratch / "application").read_text()
    for file in [*scratch.glob("events/**/*"), *work.glob("*/std*")]:
        if file.is_file():
            text += file.read_text(errors="replace")
    shutil.rmtree(work, ignore_errors=True)
    return text


def marked(id: str, version: int, marks: int = 1) -> dict[str, Any]:
    """A patient whose values are all marked, but for what is the same for all."""
    return patient(
        f"Zweistein-{id}",
        version,
        name=[{"family": "Zweistein", "given": [f"Zweistein {n}"]} for n in range(marks)],
        identifier=[{"system": "urn:Zweistein", "value": f"Zweistein-{id}"}],
        telecom=[{"system": "phone", "value": "Zweistein"}],
        address=[{"line": ["Zweistein"], "postalCode": "Zweistein"}],
        generalPractitioner=[{"reference": "Practitioner?identifier=urn:Zweistein|Zweistein"}],
        managingOrganization={"identifier": {"system": "urn:Zweistein", "value": "Zweistein-none"}},
    )


def marked_files(files: Path, version: int) -> None:
    """Files with marked values, also in what is rejected and in what is damaged."""
    doctor = {
        "resourceType": "Practitioner",
        "id": "Zweistein-d",
        "identifier": [{"system": "urn:Zweistein", "value": "Zweistein"}],
    }
    write(
        files,
        f"{version}.ndjson",
        *(marked(f"p{n}", version, 3 - version) for n in range(9 if version == 1 else 5)),
        {"resourceType": "Patient", "id": "Zweistein-x", "birthDate": "Zweistein"},
        doctor,
    )
    with (files / f"{version}.ndjson").open("a") as file:
        file.write('{"resourceType": "Patient", "id": "Zweistein-y", "gender": "Zweis')


@needs_jvm
@pytest.mark.parametrize("format", ["delta", "iceberg"])
@pytest.mark.parametrize("point", POINTS if EVERYTHING else ["table patient"])
def test_the_driver_is_killed(spark: Any, tmp_path: Path, point: str, format: str) -> None:
    """At once, by SIGKILL, in a first load and in one with MERGE."""
    if format == "iceberg" and not EVERYTHING:
        pytest.skip("FHIRMILL_SPARK_KILLS=all has it")
    files, undisturbed = tmp_path / "in", tmp_path / "undisturbed"
    into = "ice.lake" if format == "iceberg" else str(tmp_path / "lake")
    rerun = ice(spark, tmp_path) if format == "iceberg" else into
    for version in (1, 2):
        marked_files(files, version)
        load(spark, str(files), str(undisturbed), format="parquet", source="s")
        arguments = [str(files), into, format, "local[2]", point]
        log = killed(tmp_path, arguments, is_killed=True)
        assert "INFO" in log and "Zweistein" not in log
        # Its process is gone: nobody need say so.
        load(spark, str(files), rerun, format=format, source="s")
        assert tables(spark, rerun, format) == tables(spark, str(undisturbed), "parquet")
        assert counts(spark, rerun, format) == counts(spark, undisturbed, "parquet")
        assert load(spark, str(files), rerun, format=format, source="s").run is None
        if not EVERYTHING:
            break


@needs_jvm
@pytest.mark.parametrize("point", ["map", "append", "merge"] if EVERYTHING else ["map", "merge"])
def test_an_executor_is_killed(spark: Any, tmp_path: Path, point: str) -> None:
    """In the middle of the map, of an append or of a MERGE. No log has a value of a resource."""
    files, lake, undisturbed = tmp_path / "in", tmp_path / "lake", tmp_path / "undisturbed"
    marked_files(files, 1)
    load(spark, str(files), str(undisturbed), format="parquet", source="s")
    if point == "merge":
        load(spark, str(files), str(lake), source="s")
        marked_files(files, 2)
        load(spark, str(files), str(undisturbed), format="parquet", source="s")
    arguments = [str(files), str(lake), "delta", "local-cluster[2,1,1024]", f"executor-{point}"]
    log = killed(tmp_path, arguments, is_killed=False)
    assert (tmp_path / "scratch" / "killed").exists()
    assert "Lost executor" in log and "SparkListenerStageCompleted" in log
    assert "Zweistein" not in log
    assert tables(spark, str(lake), "delta") == tables(spark, str(undisturbed), "parquet")
    assert counts(spark, lake, "delta") == counts(spark, undisturbed, "parquet")
    assert counts(spark, lake, "delta")["rejected"] == (4 if point == "merge" else 2)


def ice(spark: Any, tmp_path: Path) -> str:
    """The namespace ``lake`` of the catalog that ``killed.py`` has, as this session names it."""
    name = f"ice{abs(hash(str(tmp_path)))}"
    spark.conf.set(f"spark.sql.catalog.{name}", "org.apache.iceberg.spark.SparkCatalog")
    spark.conf.set(f"spark.sql.catalog.{name}.type", "hadoop")
    spark.conf.set(f"spark.sql.catalog.{name}.warehouse", str(tmp_path / "warehouse" / "ice"))
    spark.conf.set(f"spark.sql.catalog.{name}.cache-enabled", "false")
    spark.sql(f"create namespace {name}.lake")
    return f"{name}.lake"
