"""ViewDefinitions over files."""

from __future__ import annotations

import json
from pathlib import Path

import fhirmill as fm
import pytest

pa = pytest.importorskip("pyarrow")

FILES = [
    b'{"resourceType": "Patient", "id": "p1", "birthDate": "1970-01-01",'
    b' "name": [{"family": "Miller", "given": ["Ann", "Bea"]}]}',
    b'{"resourceType": "Patient", "id": "p2"}',
    b'{"resourceType": "Observation", "id": "o1", "status": "final", "subject": {"reference": "Patient/p1"},'
    b' "valueQuantity": {"value": 72.0}}',
]

PATIENTS = {
    "resource": "Patient",
    "name": "People",
    "select": [
        {
            "column": [
                {"name": "key", "path": "getResourceKey()"},
                {"name": "id", "path": "id"},
                {"name": "Born", "path": "birthDate", "type": "date",
                 "tag": [{"name": "ansi/type", "value": "DATE"}]},
                {"name": "given", "path": "name.given", "collection": True},
            ]
        }
    ],
}


def test_a_view_has_the_columns_of_its_definition(tmp_path: Path) -> None:
    path = tmp_path / "view.json"
    path.write_text(json.dumps(PATIENTS))
    for definition in [PATIENTS, json.dumps(PATIENTS), path, str(path)]:
        rows = fm.view(definition, FILES, source="s")
        assert rows.column_names == ["key", "id", "Born", "given"]
        assert rows["id"].to_pylist() == ["p1", "p2"]
        assert [str(born) for born in rows["Born"].to_pylist()] == ["1970-01-01", "None"]
        assert rows["given"].to_pylist() == [["Ann", "Bea"], []]
    assert rows["key"].to_pylist() == fm.read(FILES, source="s").patient["id"].to_pylist()


def test_references_and_decimals() -> None:
    definition = {
        "resource": "Observation",
        "select": [
            {
                "column": [
                    {"name": "patient", "path": "subject.getReferenceKey(Patient)"},
                    {"name": "value", "path": "value.ofType(Quantity).value", "type": "decimal"},
                ]
            }
        ],
    }
    rows = fm.view(definition, FILES, source="s").to_pylist()
    assert rows[0]["patient"] == fm.read(FILES, source="s").patient["id"][0].as_py()
    assert float(rows[0]["value"]) == 72.0 and rows[0]["value_text"] == "72.0"


def test_mistakes_of_a_definition_are_shown() -> None:
    definition = {"resource": "Patient", "select": [{"column": [{"name": "b", "path": "birthDat"}]}]}
    with pytest.raises(fm.DefinitionError, match="did you mean `birthDate`"):
        fm.view(definition, FILES)
    with pytest.raises(fm.DefinitionError):
        fm.view("{", FILES)
    with pytest.raises(fm.FileError):
        fm.view("/no/such/file.json", FILES)


def test_rejects_are_told() -> None:
    with pytest.warns(fm.RejectsWarning, match="1 records"):
        rows = fm.view(PATIENTS, [*FILES, b'{"resourceType": "Patient"'])
    assert rows.num_rows == 2
    with pytest.raises(fm.RejectedError):
        fm.view(PATIENTS, [b'{"resourceType": "Patient"'], strict=True)
