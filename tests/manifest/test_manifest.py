"""Reading one environment, validating all, and a look at what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import ManifestError
from reconciler.manifest import peek, read_manifest, validate_manifest
from reconciler.model.diagnostic import Severity
from reconciler.model.manifest import Inputs
from tests.manifest.toys import ACCOUNT, handlers, read, told, write

TWO = "environments: {staging: {}, production: {}}\nplays: {a: {}}\n"


@pytest.mark.parametrize(
    ("text", "environment", "message"),
    [
        (TWO, None, "4:1  this manifest has environments, and none was named; say -e staging or -e production"),
        (TWO, "prodution", '4:1  there is no environment "prodution"; did you mean production?'),
        (
            "plays: {}\n",
            "staging",
            '1:1  this manifest has no environments, so there is no "staging"; leave -e out, or declare `environments:`',
        ),
        ("environments: {}\n", "staging", '4:1  this manifest has no environments'),
    ],
)  # fmt: skip
def test_an_environment_is_never_guessed(
    tmp_path: Path, text: str, environment: str | None, message: str
) -> None:
    (found,) = told(tmp_path, text, environment)
    assert found.startswith(f"containers.yaml:{message}")


def test_an_environment_that_says_nothing_is_there(tmp_path: Path) -> None:
    manifest = read(tmp_path, "environments:\n  staging:\nplays: {a: {}}\n", "staging")
    assert (manifest.environment, len(manifest.resources)) == ("staging", 1)


def test_the_error_of_many_names_the_first_and_counts_the_rest(tmp_path: Path) -> None:
    path = write(tmp_path, "plays: {a: {seats: x, motto: [y]}}\n")
    with pytest.raises(ManifestError) as raised:
        read_manifest(path, handlers())
    assert str(raised.value).endswith('whole number of at least 0, not "x" (and 1 more)')
    assert raised.value.exit_code == 1
    assert len(raised.value.diagnostics) == 2


def test_validating_looks_at_every_environment_once(tmp_path: Path) -> None:
    text = """
    environments:
      staging: {plays: {a: {picture: "${pictures.nothing}"}}}
      production: {plays: {b: {motto: "${var.x}"}}}
    plays: {a: {}, b: {depends_on: [play.c]}}
    """
    found = validate_manifest(write(tmp_path, text), handlers())
    assert [(one.source.line, one.severity) for one in found] == [
        (6, Severity.ERROR),
        (7, Severity.ERROR),
        (8, Severity.ERROR),
    ]


def test_validating_one_environment_still_reads_the_syntax_of_all(tmp_path: Path) -> None:
    text = """
    environments:
      staging: {}
      production: {plays: {a: {seats: x, picture: "${pictures.nothing}"}}}
    plays: {a: {}}
    """
    (found,) = validate_manifest(write(tmp_path, text), handlers(), "staging")
    assert "seats must be a whole number" in found.summary


def test_validating_asks_nothing_of_the_outside(tmp_path: Path) -> None:
    text = 'plays: {a: {seats: "${env.N}", motto: "${git.sha}"}}\n'
    path = write(tmp_path, text, head="version: 1\nproject: shop\n")
    assert validate_manifest(path, handlers(), None, Inputs(offline=True)) == []


def test_validating_says_warnings_too(tmp_path: Path) -> None:
    path = write(tmp_path, "plays: {a: {environment_variables: {PASSWORD: x}}}\n")
    assert [one.severity for one in validate_manifest(path, handlers())] == [Severity.WARNING]


@pytest.mark.parametrize("text", ["a: [\n", "", "- x\n", "a: 1\na: 2\n"])
def test_validating_what_cannot_be_read_says_so(tmp_path: Path, text: str) -> None:
    assert validate_manifest(write(tmp_path, text, head=""), handlers())


def test_validating_an_environment_that_is_not_there_says_so(tmp_path: Path) -> None:
    (found,) = validate_manifest(write(tmp_path, TWO), handlers(), "prod")
    assert 'there is no environment "prod"' in found.summary


def test_a_glance_needs_no_valid_manifest(tmp_path: Path) -> None:
    text = """
    state: {backend: s3, bucket: "${env.BUCKET}", key: "${env.NOTHING}"}
    environments: {prod: {state: {bucket: other}}, dev: }
    plays: 3
    playes: {a: [}
    """
    path = write(tmp_path, text)
    found = peek(path, None, Inputs(environ={"BUCKET": "mine"}))
    assert (found.project, found.environments, found.account_id) == ("shop", ("prod", "dev"), ACCOUNT)
    assert found.state == {"backend": "s3", "bucket": "mine"}
    assert peek(path, "prod").state == {"backend": "s3", "bucket": "other"}


@pytest.mark.parametrize(
    "text", ["", "- a\n", "project: [a]\n", "project: ../x\nstate: 3\nenvironments: [a]\n", "\t"]
)
def test_a_glance_at_nothing_is_empty(tmp_path: Path, text: str) -> None:
    found = peek(write(tmp_path, text, head=""))
    assert (found.project, found.environments, found.state, found.account_id) == ("", (), {}, "")


def test_a_glance_at_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="there is no manifest here"):
        peek(tmp_path / "containers.yaml")
