from __future__ import annotations

from typing import Any

import pytest

from reconciler.kinds.secret import SecretHandler
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import BindContext, Bound
from reconciler.model.value import Path

SOURCES: list[dict[str, Any]] = [
    {"env": "DB_PASSWORD"},
    {"file": "secrets/db"},
    {"command": ["vault", "read", "db"]},
    {"prompt": "Password of the database"},
    {"onepassword": "op://prod/db/password"},
    {"sops": {"file": "secrets.yaml", "key": "db"}},
]


def bind(block: dict[str, Any], *, external: bool = False) -> tuple[Bound, list[tuple[Path, str, str]]]:
    errors: list[tuple[Path, str, str]] = []
    context = BindContext(
        address=ResourceAddress("secret", "db"),
        project="shop",
        environment=None,
        account_id="a" * 32,
        name=None,
        default_name="shop-db",
        registry_host="registry.cloudflare.com",
        sections={},
        text_of=lambda _address, _path: None,
        report=lambda path, code, summary, detail: errors.append((path, code, f"{summary}; {detail}")),
        warn=lambda *_: None,
        external=external,
    )
    return SecretHandler().bind(block, context), errors


@pytest.mark.parametrize("source", SOURCES)
def test_a_secret_comes_from_one_source(source: dict[str, Any]) -> None:
    bound, errors = bind({"from": source})
    assert (bound.attributes, errors) == ({"from": source}, [])


def test_each_secret_is_asked_for_by_a_question_of_its_own() -> None:
    bound, _ = bind({"from": {"prompt": True}})
    assert bound.attributes["from"] == {"prompt": "value of secret.db"}


@pytest.mark.parametrize(
    ("block", "found"),
    [
        (
            {},
            (
                (),
                "S102",
                (
                    "nothing says where its value comes from; say `from` with one of "
                    "`env`, `file`, `command`, `prompt`, `onepassword`, `sops`"
                ),
            ),
        ),
        (
            {"from": {}},
            (
                ("from",),
                "S102",
                "`from` names no source; say one of `env`, `file`, `command`, `prompt`, `onepassword`, `sops`",
            ),
        ),
        (
            {"from": {"env": "A", "file": "b"}},
            (("from",), "S102", "`env` and `file` exclude each other; keep one of them"),
        ),
    ],
)
def test_one_source_and_no_more(block: dict[str, Any], found: tuple[Path, str, str]) -> None:
    assert bind(block)[1] == [found]


def test_an_inline_secret_is_refused_without_repeating_it() -> None:
    bound, errors = bind({"from": "hunter2"})
    assert errors == [
        (
            ("from",),
            "S101",
            (
                "a secret does not stand in the manifest; "
                "name where its value comes from, as in `from: {env: DB_PASSWORD}`"
            ),
        )
    ]
    assert "hunter2" not in repr((bound, errors))


def test_somebody_elses_secret_needs_no_source() -> None:
    assert bind({}, external=True)[1] == []


def test_targets_are_what_others_may_lend_too() -> None:
    bound, _ = bind({"from": {"env": "A"}, "targets": ["account", "worker"]})
    assert bound.attributes["targets"] == {"account": True, "worker": True}
