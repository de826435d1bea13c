"""``load`` runs the program; here one that writes down what it is given."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

import fhirmill as fm

PROGRAM = """#!/bin/sh
echo "$*|$DATABASE_URL|$ARCHIVE_DIR|$SETTLE_SECONDS" > {out}/told
find "$INBOX_DIR" -type f | sed "s|$INBOX_DIR||" | sort > {out}/files
echo 'swordfish is never shown' > /dev/null
{end}
"""
SUMMARY = (
    '{"run_id": 7, "seen": 6, "account": {"inserted": 3, "updated": 0, "unchanged": 1, "stale": 0, '
    '"deleted": 0, "rejected": 2, "skipped": 0}}'
)


def program(folder: Path, end: str) -> Path:
    path = folder / "fhirmill"
    path.write_text(PROGRAM.format(out=folder, end=end))
    path.chmod(0o755)
    return path


def test_files_are_given_to_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = b'{"resourceType": "Patient", "id": "p"}'
    (tmp_path / "a.json").write_bytes(patient)
    runs = program(tmp_path, f"echo '{SUMMARY}'; exit 3")
    monkeypatch.setenv("INBOX_URL", "s3://somewhere/else")
    url = "postgres://u:swordfish@db/d"
    files = [tmp_path / "a.json", patient, io.BytesIO(patient)]
    loaded = fm.load(files, url, source="st-marys", archive=tmp_path / "archive", program=runs)
    assert (loaded.run_id, loaded.seen, loaded.inserted, loaded.rejected) == (7, 6, 3, 2)
    assert (tmp_path / "told").read_text() == f"once --json|{url}|{tmp_path}/archive|0\n"
    names = (tmp_path / "files").read_text().split()
    assert names == ["/st-marys/00001-a.json", "/st-marys/00002-bytes", "/st-marys/00003-file"]


def test_what_goes_wrong_is_an_exception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgres://u:swordfish@db/d"
    fails = program(tmp_path, "echo 'error: cannot connect' >&2; exit 1")
    with pytest.raises(fm.LoadError, match="cannot connect") as failed:
        fm.load(b"{}", url, program=fails)
    assert failed.value.code == 1 and "swordfish" not in str(failed.value)
    with pytest.raises(fm.LoadError, match="cannot run"):
        fm.load(b"{}", url, program=tmp_path / "absent")
    with pytest.raises(fm.LoadError, match="another version"):
        fm.load(b"{}", url, program=program(tmp_path, "echo '{}'"))
    with pytest.raises(fm.FileError):
        fm.load(tmp_path / "none.json", url, program=fails)
    with pytest.raises(ValueError, match="source"):
        fm.load(b"{}", url, source="../up", program=fails)
    monkeypatch.delenv("FHIRMILL_BIN", raising=False)
    monkeypatch.setenv("PATH", os.fspath(tmp_path / "nowhere"))
    with pytest.raises(fm.LoadError, match="not installed"):
        fm.load(b"{}", url)
