"""Plain values where secrets belong, and plain values that look like secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manifest.toys import read, told

DB = "whispers: {db: {from: {env: DB}}}\n"


@pytest.mark.parametrize("value", ["plain", '"x-${project}"', '"${env.A}"', '"${stages.s.name}"', "7"])
def test_a_place_for_secrets_takes_nothing_plain(tmp_path: Path, value: str) -> None:
    text = f"{DB}stages: {{s: {{whispers: {{A: {value}}}}}}}\n"
    assert told(tmp_path, text, environ={"A": "x"}) == [
        (
            "containers.yaml:5:25  stage.s: whispers.A must be a secret, not a plain value; "
            "declare it under `whispers:` and write ${whispers.NAME}"
        )
    ]


@pytest.mark.parametrize("value", ['"${whispers.db}"', '"a:${whispers.db}@b"', '"${whispers.db.value}"'])
def test_a_secret_is_taken_also_inside_a_text(tmp_path: Path, value: str) -> None:
    assert told(tmp_path, f"{DB}stages: {{s: {{whispers: {{A: {value}}}}}}}\n") == []


def test_what_is_unknown_while_validating_may_be_a_secret(tmp_path: Path) -> None:
    assert told(tmp_path, f'{DB}stages: {{s: {{whispers: {{A: "${{env.A}}"}}}}}}\n', offline=True) == []


@pytest.mark.parametrize(
    ("name", "value", "suspicious"),
    [
        ("DB_PASSWORD", "hunter2", True),
        ("PGPASSWORD", "hunter2", True),
        ("dbPassword", "hunter2", True),
        ("API_TOKEN", "12345", True),
        ("STRIPE_API_KEY", "x", True),
        ("apiKey", "x", True),
        ("SECRET", "x", True),
        ("DB_PASSWORD", '"${env.DB_PASSWORD}"', True),
        ("DB_PASSWORD", '"${var.password}"', False),
        ("DB_PASSWORD", '""', False),
        ("PASSWORD_FILE", "/run/secret", False),
        ("TOKEN_URL", "https://example.com", False),
        ("SECRET_NAME", "db", False),
        ("KEYBOARD", "qwerty", False),
        ("PASSENGER", "x", False),
        ("LOG_LEVEL", "info", False),
        ("X", "ghp_" + "a" * 36, True),
        ("X", "AKIA" + "A" * 16, True),
        ("X", "'-----BEGIN RSA PRIVATE KEY-----'", True),
        ("X", "postgres://app:hunter2@db/app", True),
        ("X", '"postgres://app:${env.P}@db/app"', False),
        ("X", "https://example.com:8080/a@b", False),
    ],
)
def test_a_setting_that_looks_like_a_secret_is_warned_of(
    tmp_path: Path, name: str, value: str, suspicious: bool
) -> None:
    text = f"{DB}plays: {{p: {{environment_variables: {{{name}: {value}}}}}}}\nvariables: {{password: {{default: x}}}}\n"
    warnings = read(tmp_path, text, environ={"DB_PASSWORD": "x", "P": "y"}).warnings
    assert bool(warnings) is suspicious


def test_the_warning_says_what_to_do_and_not_the_value(tmp_path: Path) -> None:
    text = f"{DB}plays:\n  p:\n    environment_variables:\n      DB_PASSWORD: hunter2\n"
    (warning,) = read(tmp_path, text).warnings
    assert str(warning).replace(f"{tmp_path}/", "") == (
        "containers.yaml:8:7  play.p: environment_variables.DB_PASSWORD looks like a secret, and stands in plan and "
        "state for all to read; declare it under `whispers:` and write ${whispers.NAME} under `whispers`"
    )
