from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.clients.build_context import BuildContext, look_at_context
from reconciler.clients.build_recipe import BuildRecipe
from reconciler.errors import ReconcilerError

GOLDEN_PLAIN = "sha256:a74966820b31b65f50879a14e571920ac80056da2adbdd2d24dd339815a62dd5"
GOLDEN_FULL = "sha256:35938dd3273e35b6eefd237467172e4b37c4ffe7c3397d8756cd32233912bb25"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project in `web`, the same wherever it lies."""
    web = tmp_path / "web"
    (web / "src" / "empty").mkdir(parents=True)
    (web / "Dockerfile").write_text("FROM scratch\nCOPY . /app\n")
    (web / "src" / "app.py").write_text("print('hello')\n")
    (web / "run.sh").write_text("#!/bin/sh\n")
    (web / "run.sh").chmod(0o755)
    (web / "latest").symlink_to("src/app.py")
    return tmp_path


def context(base_dir: Path, never_sent: list[Path] | None = None, **block: Any) -> BuildContext:
    return look_at_context(
        BuildRecipe.read({"context": "web", **block}, base_dir), never_sent=never_sent or ()
    )


def hash_of(base_dir: Path, **block: Any) -> str:
    return context(base_dir, **block).inputs.hash


def test_the_hash_is_the_same_on_every_machine(project: Path) -> None:
    assert hash_of(project) == GOLDEN_PLAIN


def test_the_hash_with_everything_said(project: Path) -> None:
    (project / "api.Dockerfile").write_text("FROM scratch\nARG APP\n")
    (project / "web" / ".dockerignore").write_text("Dockerfile\n")
    found = hash_of(
        project,
        dockerfile="../api.Dockerfile",
        target="run",
        args={"APP": "api", "N": 3, "DEBUG": True},
        cache_key="2026-11",
    )
    assert found == GOLDEN_FULL


def test_the_files_are_given_with_their_hashes(project: Path) -> None:
    assert context(project).inputs.files == {
        "Dockerfile": "sha256:2f4ab66e0886d0b29a4dcb44d9d63ab2e1053e35d455c827b39ba01bc97f4a5f",
        "latest": "link to src/app.py",
        "run.sh": "sha256:a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf executable",
        "src/app.py": "sha256:03e693d9f2f687e0f40e36a8df7fcb4d1c22974012b7c2a55c000eb30f305824",
        "src/empty/": "empty folder",
    }


def _rename(web: Path) -> None:
    (web / "run.sh").rename(web / "start.sh")


def _relink(web: Path) -> None:
    (web / "latest").unlink()
    (web / "latest").symlink_to("./src/app.py")


@pytest.mark.parametrize(
    "change",
    [
        lambda web: (web / "src" / "app.py").write_text("print('hallo')\n"),
        lambda web: (web / "Dockerfile").write_text("FROM scratch\n"),
        lambda web: (web / "run.sh").chmod(0o644),
        lambda web: (web / "src" / "empty").rmdir(),
        lambda web: (web / "more").mkdir(),
        lambda web: (web / "new").write_text(""),
        lambda web: (web / ".dockerignore").write_text("src"),
        _rename,
        _relink,
    ],
)
def test_whatever_the_build_would_see_changes_the_hash(project: Path, change: Any) -> None:
    before = context(project).inputs
    change(project / "web")
    after = context(project).inputs
    assert after.hash != before.hash
    assert after.files != before.files


@pytest.mark.parametrize(
    "block",
    [
        {"args": {"A": "1"}},
        {"target": "run"},
        {"platform": "linux/arm64"},
        {"cache_key": "2"},
        {"dockerfile": "../other"},
    ],
)
def test_whatever_the_builder_is_told_changes_the_hash(project: Path, block: dict[str, Any]) -> None:
    (project / "other").write_text("FROM scratch\n")
    assert hash_of(project, **block) != hash_of(project)


@pytest.mark.parametrize(
    "block",
    [
        {"context": "./web/"},
        {"dockerfile": "Dockerfile"},
        {"dockerfile": "../copy"},
        {"platform": "linux/amd64"},
        {"args": {}},
        {"target": None},
        {"cache_from": ["ghcr.io/a/cache"], "cache_to": ["type=inline"]},
        {"not_secret": ["A"]},
        {"version_file": "web/version.json"},
    ],
)
def test_what_makes_no_other_image_does_not(project: Path, block: dict[str, Any]) -> None:
    (project / "copy").write_text((project / "web" / "Dockerfile").read_text())
    assert hash_of(project, **block) == hash_of(project)


def test_neither_times_nor_order_nor_bits_for_others_do(project: Path) -> None:
    before = hash_of(project)
    app = project / "web" / "src" / "app.py"
    text = app.read_text()
    app.unlink()
    app.write_text(text)
    app.chmod(0o600)
    os.utime(app, (0, 0))
    assert hash_of(project) == before


def test_the_place_of_the_project_does_not(project: Path, tmp_path: Path) -> None:
    before = hash_of(project)
    (tmp_path / "elsewhere").mkdir()
    (project / "web").rename(tmp_path / "elsewhere" / "web")
    assert hash_of(tmp_path / "elsewhere") == before


def test_numbers_and_booleans_are_given_as_text(project: Path) -> None:
    said = hash_of(project, args={"N": 3, "F": 1.5, "B": True})
    assert said == hash_of(project, args={"B": "true", "F": "1.5", "N": "3"})


@given(
    st.dictionaries(st.from_regex(r"[A-Z]{1,3}", fullmatch=True), st.text('ab\n"', max_size=3), max_size=3)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_different_arguments_never_meet(project: Path, args: dict[str, str]) -> None:
    def identity(args: dict[str, str]) -> bytes:
        return BuildRecipe.read({"args": args}, project).identity()

    assert identity(dict(reversed(args.items()))) == identity(args)
    assert identity(args | {"MORE": ""}) != identity(args)
    assert (
        len({identity(args | {name: value + "c"}) for name, value in args.items()} | {identity(args)})
        == len(args) + 1
    )


def test_a_dockerfiles_own_ignore_file_comes_first(project: Path) -> None:
    (project / "web" / ".dockerignore").write_text("src")
    (project / "web" / "Dockerfile.dockerignore").write_text("run.sh\n*.dockerignore\n.dockerignore")
    assert list(context(project).inputs.files) == ["Dockerfile", "latest", "src/app.py", "src/empty/"]


def test_a_dockerfile_that_is_left_out_or_elsewhere_still_counts(project: Path) -> None:
    (project / "docker").mkdir()
    (project / "docker" / "api.Dockerfile").write_text("FROM scratch\n")
    (project / "docker" / "api.Dockerfile.dockerignore").write_text("*")
    found = context(project, dockerfile="../docker/api.Dockerfile")
    assert list(found.inputs.files) == ["../docker/api.Dockerfile"]
    assert (found.dockerfile, found.entries) == ("", ())


def test_an_absolute_dockerfile_is_where_it_says(project: Path) -> None:
    found = context(project, dockerfile=str(project / "web" / "Dockerfile"))
    assert found.dockerfile == "Dockerfile"


def test_what_we_write_ourselves_is_never_part_of_it(project: Path) -> None:
    before = hash_of(project)
    (project / "web" / "state").mkdir()
    (project / "web" / "state" / "default.json").write_text("{}")
    assert context(project, never_sent=[project / "web" / "state"]).inputs.hash == before
    assert context(project, never_sent=[project]).inputs.hash != before


def test_the_version_file_is_not_part_of_it_even_if_it_is_there(project: Path) -> None:
    before = hash_of(project)
    (project / "web" / "version.json").write_text("{}")
    found = context(project, version_file="web/version.json")
    assert (found.inputs.hash, found.version_path) == (before, "version.json")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"context": "nowhere"}, r"the build context .*/nowhere is no folder; correct `context`"),
        ({"context": "web/Dockerfile"}, r"the build context .*/web/Dockerfile is no folder"),
        ({"dockerfile": "nope"}, r"the Dockerfile .*/web/nope does not exist; correct `dockerfile`"),
        ({"dockerfile": "src"}, r"the Dockerfile .*/web/src is a folder, not a regular file"),
        ({"dockerfile": "a\0b"}, "the `dockerfile` of a build holds a NUL character; remove it"),
        ({"context": "x" * 5000}, "the build context .* is no folder"),
        ({"args": {"A": "\0"}}, "the build argument A holds a NUL character"),
        (
            {"version_file": "version.json"},
            r"`version_file` is .*/version.json, which lies outside of the build",
        ),
        (
            {"target": {"ref": 1}},
            r"the `target` of a build is no text that is known before anything is applied",
        ),
        ({"args": {"A": {"ref": 1}}}, r"the build argument A is no text that is known"),
    ],
)
def test_what_cannot_be_read_is_told(project: Path, block: dict[str, Any], message: str) -> None:
    with pytest.raises(ReconcilerError, match=message):
        context(project, **block)


def test_an_ignore_file_that_cannot_be_read_is_told(project: Path) -> None:
    (project / "web" / ".dockerignore").mkdir()
    with pytest.raises(
        ReconcilerError, match=r"\.dockerignore is a folder, not a regular file; correct or remove"
    ):
        context(project)


def test_a_secret_never_enters_a_build(project: Path) -> None:
    (project / "web" / "Dockerfile").write_text("ARG NPM_TOKEN\nFROM scratch\nARG APP\nARG DB_PASSWORD=x\n")
    message = (
        r"web/Dockerfile: a secret must not enter a build, and these arguments look like one: "
        r"API_KEY, NPM_TOKEN \(line 1\), DB_PASSWORD \(line 4\); hand it to the application under `secrets`, "
        r"or say `not_secret: \[API_KEY, NPM_TOKEN, DB_PASSWORD\]`"
    )
    with pytest.raises(ReconcilerError, match=message) as caught:
        context(project, args={"API_KEY": "hunter2", "APP": "web"})
    assert "hunter2" not in str(caught.value)
    context(project, args={"APP": "web"}, not_secret=["NPM_TOKEN", "DB_PASSWORD"])
