"""URLs, by fsspec."""

from __future__ import annotations

import gzip

import fhirmill as fm
import pytest

pytest.importorskip("pyarrow")
fsspec = pytest.importorskip("fsspec")


def patient(id: str) -> bytes:
    return b'{"resourceType": "Patient", "id": "%s"}' % id.encode()


def test_urls_are_read_in_pieces() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/bucket/a.ndjson", patient("a"))
    memory.pipe("/bucket/deep/b.ndjson.gz", gzip.compress(patient("b")))
    memory.pipe("/bucket/c.json", patient("c"))
    cases = [
        ("memory://bucket/a.ndjson", ["a"]),
        ("memory://bucket/*.ndjson", ["a"]),
        ("memory://bucket/**/*.gz", ["b"]),
        ("memory://bucket", ["a", "c", "b"]),
        (["memory://bucket/c.json", patient("d")], ["c", "d"]),
    ]
    for url, expected in cases:
        tables = fm.read(url)
        assert tables.patient["fhir_id"].to_pylist() == expected, url
    assert fm.read("memory://bucket/a.ndjson").files["file"].to_pylist() == ["memory:///bucket/a.ndjson"]
    assert fm.scan("memory://bucket/*.ndjson")["patient"].read_all().num_rows == 1


def test_a_url_that_leads_nowhere_is_an_exception() -> None:
    for url in ["memory://bucket/none.json", "memory://none/*.json"]:
        with pytest.raises(fm.FileError, match="none"):
            fm.read(url)
