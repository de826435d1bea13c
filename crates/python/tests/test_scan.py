"""Readers of tables that wait in temporary files."""

from __future__ import annotations

import json
from pathlib import Path

import fhirmill as fm
import pytest

pa = pytest.importorskip("pyarrow")

SAMPLES = Path(__file__).parents[3] / "samples"


def test_a_scan_gives_what_read_gives() -> None:
    tables = fm.read(SAMPLES, source="s")
    scan = fm.scan(SAMPLES, source="s")
    assert list(scan) == list(tables)
    for name, reader in scan.items():
        assert isinstance(reader, pa.RecordBatchReader)
        assert reader.read_all().combine_chunks() == tables[name].combine_chunks(), name
    assert scan.account == tables.account
    assert scan.rejects == tables.rejects
    assert scan["device"].read_all().num_rows == 0
    # Asked again, a reader begins anew, whatever another one has read.
    first, second = scan["patient"], scan["patient"]
    assert first.read_all() == second.read_all() == scan["patient"].read_all()
    reader = scan["patient"]
    del scan
    assert reader.read_all().num_rows == tables.patient.num_rows


def test_rows_of_replaced_versions_are_left_out() -> None:
    count = 20_000

    def patient(id: str, family: str) -> bytes:
        return json.dumps({"resourceType": "Patient", "id": id, "name": [{"family": family}]}).encode()

    filler = b"\n".join(patient(f"f{number}", "F") for number in range(count))
    scan = fm.scan([patient("p", "Old"), filler, patient("p", "New")])
    assert scan["patient"].read_all().num_rows == count + 1
    names = scan["patient_name"].read_all()["family"].to_pylist()
    assert names.count("New") == 1 and "Old" not in names
    assert scan.account.stale == 1
