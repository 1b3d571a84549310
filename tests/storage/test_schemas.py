from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from reconciler.storage.codec import encode_plan, encode_version
from reconciler.storage.schemas import plan_schema, state_schema
from tests.storage import samples


def errors(schema: dict[str, Any], document: Any) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(document)]


@pytest.mark.parametrize("schema", [plan_schema(), state_schema()], ids=["plan", "state"])
def test_a_schema_is_one(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"]
    assert schema["description"]
    assert json.loads(json.dumps(schema)) == schema


def test_what_is_written_fits() -> None:
    assert errors(plan_schema(), json.loads(encode_plan(samples.plan()))) == []
    assert errors(state_schema(), json.loads(encode_version(samples.rich_state())[0])) == []


@pytest.mark.parametrize("edit", [{"serial": "1"}, {"checksum": "x"}, {"surprise": 1}, {"resources": []}])
def test_a_wrong_state_does_not_fit(edit: dict[str, Any]) -> None:
    document = json.loads(encode_version(samples.rich_state())[0])
    assert errors(state_schema(), document | edit)


@pytest.mark.parametrize("edit", [{"changes": {}}, {"state": {"lineage": "l"}}, {"environment": 1}])
def test_a_wrong_plan_does_not_fit(edit: dict[str, Any]) -> None:
    assert errors(plan_schema(), json.loads(encode_plan(samples.plan())) | edit)
