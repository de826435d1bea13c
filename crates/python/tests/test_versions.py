"""The version rule, whatever the order of versions and however they are split."""

from __future__ import annotations

import json
import random
from pathlib import Path

import fhirmill as fm
import pytest

pytest.importorskip("pyarrow")

DAYS = [f"2024-01-0{day}T00:00:00Z" for day in range(1, 5)]


def resource(id: str, content: int, time: str | None, number: int | None) -> bytes:
    meta = {}
    if time is not None:
        meta["lastUpdated"] = time
    if number is not None:
        meta["versionId"] = str(number)
    body = {
        "resourceType": "Patient",
        "id": id,
        "meta": meta,
        "name": [{"family": f"v{content}"}] * (content % 3 + 1),
        "contained": [{"resourceType": "Organization", "id": "o", "name": f"v{content}"}],
        "managingOrganization": {"reference": "#o"},
    }
    return json.dumps(body).encode()


def deletion(id: str) -> bytes:
    entry = {"request": {"method": "DELETE", "url": f"Patient/{id}"}}
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}).encode()


def content(tables: fm.Tables) -> list[object]:
    def rows(name: str, *columns: str) -> list[tuple[object, ...]]:
        table = tables[name].select(columns)
        return sorted(tuple(row.values()) for row in table.to_pylist())

    return [
        rows("patient", "id", "fhir_id", "managing_organization_id"),
        rows("patient_name", "patient_id", "ordinal", "family"),
        rows("organization", "id", "name"),
        tables.account,
    ]


def test_a_split_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(17)
    for _ in range(60):
        records = []
        for number in range(rng.randint(1, 14)):
            id = rng.choice("ab")
            if rng.random() < 0.2:
                records.append(deletion(id))
                continue
            time = rng.choice([None, None, *DAYS])
            version = rng.choice([None, None, 0, 1, 2, 10])
            records.append(resource(id, rng.randint(0, 3), time, version))
        whole = fm.read(records)
        monkeypatch.setattr(fm, "_BATCH_BYTES", 1)
        split = fm.read(records)
        monkeypatch.undo()
        assert content(split)[:3] == content(whole)[:3], records
        assert split.account == whole.account, records
        account = whole.account
        parts = (account.inserted, account.deleted, account.unchanged, account.stale)
        assert account.seen == len(records) == sum(parts)
        assert account.inserted == whole.patient.num_rows


def test_complete_versions_count_by_time_then_number_then_place() -> None:
    rng = random.Random(4)
    for _ in range(40):
        versions = [
            (rng.choice(DAYS), rng.randint(1, 3), place, rng.randint(0, 99)) for place in range(rng.randint(1, 9))
        ]
        tables = fm.read([resource("p", content, time, number) for time, number, _, content in versions])
        latest = max(versions)
        assert set(tables.patient_name["family"].to_pylist()) == {f"v{latest[3]}"}


def test_what_is_unchanged_is_told_by_the_version_that_counts_in_the_end(tmp_path: Path) -> None:
    # As in Postgres, if one file has all of them.
    versions = [
        resource("p", content, time, None)
        for content, time in ((1, DAYS[0]), (2, DAYS[1]), (1, DAYS[2]), (2, DAYS[0]), (1, DAYS[1]))
    ]
    file = tmp_path / "p.ndjson"
    file.write_bytes(b"\n".join(versions) + b"\n")
    for inputs in (file, versions):
        account = fm.read(inputs).account
        assert (account.inserted, account.unchanged, account.stale) == (1, 2, 2), account
