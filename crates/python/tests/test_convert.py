"""The tables are those that `fhirmill convert` writes. FHIRMILL_BIN is the program."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import fhirmill as fm
import pytest

pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

SAMPLES = Path(__file__).parents[3] / "samples"
PROGRAM = os.environ.get("FHIRMILL_BIN")


@pytest.mark.skipif(not PROGRAM, reason="FHIRMILL_BIN is not set")
def test_tables_equal_those_of_the_program(tmp_path: Path) -> None:
    target = tmp_path / "lake"
    files = [SAMPLES / name for name in ("export", "hospital-stays.json", "observations.ndjson.gz")]
    command = [str(PROGRAM), "convert", *map(str, files), "--to", str(target), "--source", "s"]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    tables = fm.read(files, source="s")
    assert len(tables) > 30
    for name in fm.tables():
        written = parquet.read_table(target / name)
        read = tables[name]
        assert written.column_names == read.column_names, name
        assert sorted(map(str, written.to_pylist())) == sorted(map(str, read.to_pylist())), name
