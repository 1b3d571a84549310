from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import StateMismatchError
from reconciler.storage.identity import Identity
from tests.storage import samples


def check(recorded: dict[str, Any], present: dict[str, Any]) -> None:
    replace(samples.SHOP, **present).check(replace(samples.state(), **recorded), "state/default.json")


@pytest.mark.parametrize(
    ("recorded", "present", "said"),
    [
        ({"project": "blog"}, {}, 'the project "blog", this command is about the project "shop"'),
        ({"environment": "staging"}, {"environment": "production"}, 'environment "staging".*"production"'),
        ({"environment": "staging"}, {}, r'environment "staging".*"default" \(no environments\)'),
        ({"target": "local"}, {}, 'target "local".*"cloudflare"'),
        ({"account_id": "f" * 32}, {}, 'account "ffff.*"0000'),
        ({}, {"api_base_url": "https://api.eu.example"}, "API base URL.*api.cloudflare.com.*api.eu.example"),
        ({}, {"api_base_url": "http://127.0.0.1:8787"}, "API base URL"),
    ],
)
def test_a_mismatch_names_both(recorded: dict[str, Any], present: dict[str, Any], said: str) -> None:
    with pytest.raises(StateMismatchError, match=said) as refused:
        check(recorded, present)
    assert refused.value.exit_code == 3
    assert refused.value.fix


@pytest.mark.parametrize(
    ("recorded", "present"),
    [
        ({}, {}),
        ({}, {"project": "", "account_id": "", "target": "", "api_base_url": ""}),
        ({"account_id": "", "api_base_url": ""}, {}),
        ({"api_base_url": samples.SHOP.api_base_url + "/"}, {}),
        (
            {"api_base_url": "http://127.0.0.1:8787/client/v4"},
            {"api_base_url": "http://localhost:9999/client/v4"},
        ),
        ({"api_base_url": "http://[::1]:1"}, {"api_base_url": "http://127.0.0.2:2"}),
        ({"environment": "staging"}, {"environment": "staging"}),
    ],
)
def test_what_is_the_same_or_unknown_is_fine(recorded: dict[str, Any], present: dict[str, Any]) -> None:
    check(recorded, present)


def test_an_identity_without_anything_compares_the_environment_only() -> None:
    Identity().check(samples.state(), "it")
    with pytest.raises(StateMismatchError):
        Identity(environment="eu").check(samples.state(), "it")
