"""What read, map, tables and schema give."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import fhirmill as fm
import pytest

pa = pytest.importorskip("pyarrow")


def patient(id: str, **elements: object) -> bytes:
    return json.dumps({"resourceType": "Patient", "id": id, **elements}).encode()


def version(number: int, time: str | None = None) -> dict[str, str]:
    meta = {"versionId": str(number)}
    return {**meta, "lastUpdated": time} if time else meta


def ids(table: pa.Table) -> list[str]:
    return table.column("fhir_id").to_pylist()


def test_values_are_those_that_were_written() -> None:
    observation = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2024-02-29T12:00:00+01:00",
    }
    text = json.dumps(observation)[:-1] + ', "valueQuantity": {"value": 72.50, "unit": "kg"}}'
    tables = fm.read([patient("p1", birthDate="1970-01"), text.encode()], source="st-marys")
    row = tables.observation.to_pylist()[0]
    assert row["value_quantity_value_text"] == "72.50"
    assert float(row["value_quantity_value"]) == 72.5
    assert row["effective_start"].isoformat() == "2024-02-29T11:00:00+00:00"
    assert row["patient_id"] == tables.patient["id"][0].as_py()
    assert tables.patient["birth_date_text"].to_pylist() == ["1970-01"]
    # printf 'st-marys\0Patient/p1' | sha256sum, with the bits of a UUID of version 8.
    assert row["patient_id"].hex() == "a41aa3f4e9b18bfd8815b51c072d7072"
    assert fm.read(patient("p1"), source="other").patient["id"][0].as_py() != row["patient_id"]


def test_a_table_is_there_without_rows() -> None:
    tables = fm.read(patient("p1"))
    assert list(tables) == ["patient"]
    assert len(tables) == 1
    assert tables.observation.num_rows == 0
    assert tables.observation.schema == fm.schema("observation")
    assert "observation" in tables and "nothing" not in tables
    assert set(fm.tables()) <= set(dir(tables))
    with pytest.raises(KeyError, match="no table 'nothing'"):
        tables["nothing"]
    with pytest.raises(AttributeError, match="no table 'nothing'"):
        tables.nothing
    assert not set(fm.tables()) & {"account", "files", "rejects", "get", "items", "keys", "values"}
    assert dict(tables.items()).keys() == {"patient"}
    assert "Tables of 1 resources: patient" in repr(tables)


def test_schemas_have_types_and_comments() -> None:
    names = fm.tables()
    assert list(names)[0] == "patient" and len(names) > 100
    assert all(names.values()), "every table says what a row is"
    schema = fm.schema("patient")
    assert schema.field("id").type == pa.binary()
    assert schema.field("birth_date").type == pa.date32()
    assert schema.metadata[b"comment"].decode() == names["patient"]
    assert schema.field("fhir_id").metadata[b"comment"]
    with pytest.raises(KeyError):
        fm.schema("nothing")


def test_whatever_holds_a_file_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    first, second = tmp_path / "in" / "a.ndjson", tmp_path / "in" / "deep" / "b.ndjson.gz"
    first.write_bytes(patient("a"))
    second.write_bytes(gzip.compress(patient("b")))
    (tmp_path / "in" / ".hidden").write_bytes(patient("hidden"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("Patient.ndjson", patient("z") + b"\n" + patient("y"))
    (tmp_path / "all.zip").write_bytes(archive.getvalue())

    class Pipe(io.RawIOBase):
        """A file object that cannot seek."""

        def __init__(self, content: bytes) -> None:
            self._rest = io.BytesIO(content)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            return self._rest.readinto(buffer)

    cases: list[tuple[object, list[str]]] = [
        (str(first), ["a"]),
        (second, ["b"]),
        (tmp_path / "in", ["a", "b"]),
        (str(tmp_path / "in" / "*.ndjson"), ["a"]),
        (str(tmp_path / "**" / "*.gz"), ["b"]),
        (tmp_path / "all.zip", ["z", "y"]),
        (archive.getvalue(), ["z", "y"]),
        (bytearray(patient("c")), ["c"]),
        (memoryview(patient("c")), ["c"]),
        (io.BytesIO(archive.getvalue()), ["z", "y"]),
        (Pipe(archive.getvalue()), ["z", "y"]),
        ([first, patient("c"), io.BytesIO(patient("d"))], ["a", "c", "d"]),
        ((path for path in [second, first]), ["b", "a"]),
    ]
    for files, expected in cases:
        assert ids(fm.read(files).patient) == expected, files
    with first.open("rb") as file:
        assert ids(fm.read(file).patient) == ["a"]
        assert not file.closed
    odd = os.fsencode(tmp_path) + b"/\xff.json"
    with open(odd, "wb") as file:
        file.write(patient("odd"))
    assert ids(fm.read(os.fsdecode(odd)).patient) == ["odd"]
    assert fm.read([first, second]).files.to_pylist()[1]["file"] == str(second)


def test_what_cannot_be_opened_is_an_exception(tmp_path: Path) -> None:
    for files in [tmp_path / "none", str(tmp_path / "*.ndjson")]:
        with pytest.raises(fm.FileError) as raised:
            fm.read(files)
        assert raised.value.file == str(files)
        assert str(raised.value) == f"{files}: {raised.value.reason}"
        assert pickle.loads(pickle.dumps(raised.value)).reason == raised.value.reason
    with pytest.raises(TypeError, match="mode 'rb'"):
        fm.read(io.StringIO("{}"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not int"):
        fm.read([1])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="timezone must be"):
        fm.read(b"", timezone="Nowhere/At-all")

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise RuntimeError("the network is down")

    with pytest.raises(RuntimeError, match="the network is down"):
        fm.read(Broken(b"x"))

    class Interrupted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fm.read(Interrupted(b"x"))


def test_a_bad_record_is_a_reject_and_holds_no_value(tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    lines = [
        patient("p1"),
        b'{"resourceType": "Patient", "id": "p2", "birthDate": "SECRET"}',
        b'{"resourceType": "Patient", "id": "SECRET',
        b'{"resourceType": "Observation", "id": "o1", "valueQuantity": {"value": 1e999999}}',
        b'{"resourceType": "SECRET"}',
        patient("p3"),
    ]
    file.write_bytes(b"\n".join(lines))
    tables = fm.read(file)
    assert ids(tables.patient) == ["p1", "p3"]
    rejects = tables.rejects.to_pylist()
    assert [reject["location"] for reject in rejects] == ["line 2", "line 3", "line 4", "line 5"]
    assert {reject["file"] for reject in rejects} == {str(file)}
    assert rejects[0]["resource_type"] == "Patient" and rejects[0]["fhir_id"] == "p2"
    assert rejects[0]["path"] == "birthDate" and rejects[0]["reason"] == "invalid_value"
    assert rejects[1]["reason"] == "truncated"
    assert "SECRET" not in str(rejects)
    assert tables.account == fm.Account(
        seen=6, inserted=2, deleted=0, unchanged=0, stale=0, rejected=4, skipped=0
    )
    with pytest.raises(fm.RejectedError) as raised:
        fm.read(file, strict=True)
    error = raised.value
    assert (error.file, error.location, error.resource_type, error.id, error.path, error.reason) == (
        str(file), "line 2", "Patient", "p2", "birthDate", "invalid_value"
    )
    assert str(error).startswith(f"{file}, line 2: Patient/p2: birthDate: ")
    assert "SECRET" not in str(error)
    assert pickle.loads(pickle.dumps(error)).path == "birthDate"


def test_a_damaged_file_is_read_as_far_as_possible() -> None:
    whole = b"\n".join(patient(str(number), language="x" * 90) for number in range(2000))
    damaged = gzip.compress(whole)[:-3000]
    tables = fm.read([damaged, patient("after")])
    assert 0 < tables.patient.num_rows < 2001
    assert ids(tables.patient)[-1] == "after"
    assert tables.rejects["reason"].to_pylist()[-1] == "truncated"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.ndjson", patient("a"))
    tables = fm.read([archive.getvalue()[:-20], patient("after")])
    assert ids(tables.patient)[-1] == "after"
    assert tables.account.rejected == 1


def test_the_latest_version_counts() -> None:
    old, new = "2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"
    versions = [
        patient("by-time", gender="female", meta=version(1, new)),
        patient("by-time", gender="male", meta=version(2, old)),
        patient("by-number", gender="male", meta=version(9, old)),
        patient("by-number", gender="female", meta=version(10, old)),
        patient("by-place", gender="male"),
        patient("by-place", gender="female"),
        patient("same", gender="female", meta=version(1, old)),
        patient("same", gender="female", meta=version(2, new)),
    ]
    tables = fm.read(versions)
    assert sorted(ids(tables.patient)) == ["by-number", "by-place", "by-time", "same"]
    assert set(tables.patient["gender"].to_pylist()) == {"female"}
    account = tables.account
    assert (account.seen, account.inserted, account.stale, account.unchanged) == (8, 4, 3, 1)
    everything = fm.read(versions, all_versions=True)
    assert everything.patient.num_rows == 8
    assert everything.account.inserted == 8


def test_versions_of_different_batches_replace_each_other() -> None:
    # More records than one batch holds, and children and contained resources among them.
    count = 20_000
    filler = b"\n".join(patient(f"f{number}") for number in range(count))
    name = [{"family": "Old"}, {"family": "Older"}]
    contained = [{"resourceType": "Organization", "id": "c", "name": "Old"}]
    managing = {"reference": "#c"}
    first = patient("p", name=name, contained=contained, managingOrganization=managing)
    tables = fm.read([first, filler, patient("p", name=[{"family": "New"}]), patient("q", name=name)])
    assert tables.patient.num_rows == count + 2
    assert tables.patient_name["family"].to_pylist() == ["New", "Old", "Older"]
    assert tables.organization.num_rows == 0
    assert tables.account.stale == 1


def test_deletions_delete() -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": "Patient/gone"}}],
    }
    tables = fm.read([patient("gone"), patient("stays"), json.dumps(bundle).encode()])
    assert ids(tables.patient) == ["stays"]
    account = tables.account
    assert (account.seen, account.inserted, account.deleted, account.stale) == (3, 1, 1, 1)
    back = fm.read([json.dumps(bundle).encode(), patient("gone")])
    assert ids(back.patient) == ["gone"]


def test_references_by_identifier_and_by_server_are_resolved() -> None:
    identifier = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "123"}
    organization = {"resourceType": "Organization", "id": "hospital", "identifier": [identifier]}
    referring = patient("p", managingOrganization={"identifier": identifier})
    by_search = patient(
        "q", managingOrganization={"reference": f"Organization?identifier={identifier['system']}|123"}
    )
    unknown = patient("r", managingOrganization={"identifier": {**identifier, "value": "456"}})
    for files in (lambda: [referring, by_search, unknown], lambda: [io.BytesIO(b"\n".join([referring, by_search, unknown]))]):
        tables = fm.read([*files(), json.dumps(organization).encode()])
        key = tables.organization["id"][0].as_py()
        assert tables.patient["managing_organization_id"].to_pylist() == [key, key, None]
        assert tables.account.seen == 4
    absolute = patient("p", managingOrganization={"reference": "https://fhir.example/r4/Organization/hospital"})
    tables = fm.read([absolute, json.dumps(organization).encode()])
    assert tables.patient["managing_organization_id"].to_pylist() == [None]
    tables = fm.read([absolute], base_urls=["https://fhir.example/r4"])
    assert tables.patient["managing_organization_id"].to_pylist() == [key]
    manifest = {
        "transactionTime": "2024-01-01T00:00:00Z",
        "request": "https://fhir.example/r4/$export",
        "requiresAccessToken": False,
        "output": [],
        "error": [],
    }
    tables = fm.read([absolute, json.dumps(manifest).encode()])
    assert tables.patient["managing_organization_id"].to_pylist() == [key]


def test_columns_of_texts_are_mapped() -> None:
    bundle = json.dumps(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": json.loads(patient("c"))}]}
    )
    texts = [patient("a").decode(), None, "{", bundle]
    columns: list[object] = [
        texts,
        iter(texts),
        [text and text.encode() for text in texts],
        pa.array(texts),
        pa.array(texts, pa.large_string()),
        pa.array(texts, pa.string_view()),
        pa.array([text and text.encode() for text in texts]),
        pa.chunked_array([texts[:1], texts[1:]]),
    ]
    if polars := _optional("polars"):
        columns.append(polars.Series(texts))
    if pandas := _optional("pandas"):
        columns.append(pandas.Series(texts))
        columns.append(pandas.Series(texts, dtype=object))
    for column in columns:
        tables = fm.map(column, source="s")
        assert ids(tables.patient) == ["a", "c"], type(column)
        assert tables.rejects["location"].to_pylist() == ["row 2, resource"] or tables.rejects[
            "location"
        ].to_pylist() == ["row 2"]
        assert tables.account.seen == 3
    assert fm.map([]).account.seen == 0
    for wrong in ["{}", [1], pa.array([1])]:
        with pytest.raises(TypeError, match="column of JSON texts"):
            fm.map(wrong)


def test_libraries_take_tables() -> None:
    tables = fm.read([patient("a", birthDate="1970-01-01"), patient("b")])
    if polars := _optional("polars"):
        assert polars.DataFrame(tables.patient)["fhir_id"].to_list() == ["a", "b"]
    if pandas := _optional("pandas"):
        assert tables.patient.to_pandas()["fhir_id"].tolist() == ["a", "b"]
    if duckdb := _optional("duckdb"):
        patients = tables.patient
        assert patients.num_rows == 2
        assert duckdb.sql("select fhir_id from patients where birth_date is null").fetchall() == [("b",)]


def test_tables_need_no_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    tables = fm.read(patient("a"))
    assert tables.patient.num_rows == 1
    assert tables.patient.column_names[:2] == ["id", "fhir_id"]
    assert fm.schema("patient").columns()[5] == (
        "birth_date", "Date32", fm.schema("patient").columns()[5][2]
    )
    assert tables.rejects.num_rows == 0
    monkeypatch.undo()
    if polars := _optional("polars"):
        assert polars.DataFrame(tables.patient)["fhir_id"].to_list() == ["a"]
    assert pa.table(tables.patient)["fhir_id"].to_pylist() == ["a"]


def _optional(module: str):  # type: ignore[no-untyped-def]
    """The module, if it is installed."""
    try:
        return __import__(module)
    except ImportError:
        return None


def test_an_interrupt_ends_a_read_that_would_not_end() -> None:
    import _thread
    import signal
    import threading

    began = threading.Event()

    class Endless(io.BytesIO):
        """A file of a terabyte."""

        def seek(self, offset: int, whence: int = 0) -> int:
            return 1 << 40 if whence == 2 else offset

        def read(self, size: int | None = -1) -> bytes:
            began.set()
            return (b"\n" * 64 * 1024)[:size]

    def interrupt() -> None:
        began.wait()
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    # Whoever runs the tests in the background may have had the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            fm.read(Endless())
        thread.join()
    finally:
        signal.signal(signal.SIGINT, before)
