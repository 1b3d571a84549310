from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from reconciler.cli.operating import address_of, open_operations
from reconciler.cli.options import Common
from reconciler.errors import ReconcilerError, StateError, StateMismatchError
from tests.harness import ACCOUNT, Project, project
from tests.kinds.application_bench import lay_image

BROKEN = "version: 1\nproject: [\n"
APPLICATIONS = """version: 1
project: shop
applications:
  api: {image: "${images.one}", instances: 0, max_instances: 1}
  each:
    for_each: [eu, us]
    image: "${images.one}"
    instances: 0
    max_instances: 1
images: {one: {archive: one}}
"""


@pytest.fixture
def applied(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as made:
        lay_image(made, "one")
        made.write(APPLICATIONS)
        made.apply()
        with mock.patch.dict(os.environ, environ(made)):
            yield made


def environ(made: Project) -> dict[str, str]:
    return {"CLOUDFLARE_API_BASE_URL": made.server.base_url, "CLOUDFLARE_API_TOKEN": "t"}


def common(made: Project, environment: str | None = None) -> Common:
    return Common(file=str(made.folder / "containers.yaml"), environment=environment)


@pytest.mark.parametrize("text", ["api", "application.api", "applications.api"])
def test_an_application_is_found_by_key_or_address(applied: Project, text: str) -> None:
    with open_operations(common(applied)) as operations:
        prior = operations.application(text)
        assert prior.identity == operations.api.get_application(prior.identity)["id"]
        assert operations.read().account_id == ACCOUNT


@pytest.mark.parametrize("text", [BROKEN, "", None, "version: 1\nproject: shop\napplications: 7\n"])
def test_no_manifest_is_needed(applied: Project, text: str | None) -> None:
    path = applied.folder / "containers.yaml"
    path.unlink() if text is None else path.write_text(text)
    with open_operations(common(applied)) as operations:
        assert operations.application("api").name == "shop-api"


def test_a_memory_without_manifest_is_found_upward(applied: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (applied.folder / "containers.yaml").unlink()
    (applied.folder / "src").mkdir()
    monkeypatch.chdir(applied.folder / "src")
    with open_operations(Common()) as operations:
        assert operations.state.project == "shop"


def test_what_a_name_may_mean(applied: Project) -> None:
    with open_operations(common(applied)) as operations:
        assert operations.application('each["eu"]').name == "shop-each-eu"
        assert len(operations.all("each", "application")) == 2
        with pytest.raises(ReconcilerError, match='"each" means 2 applications'):
            operations.application("each")
        with pytest.raises(
            ReconcilerError, match=r"application\.nobody is not in the state; .*application\.api"
        ):
            operations.application("nobody")
    with pytest.raises(ReconcilerError, match="is no application"):
        address_of("worker.edge", "application")


def test_where_nothing_was_applied_there_is_nothing_to_operate_on(tmp_path: Path) -> None:
    settings = {"CLOUDFLARE_API_BASE_URL": "http://127.0.0.1:9/client/v4", "CLOUDFLARE_API_TOKEN": "t"}
    file = str(tmp_path / "containers.yaml")
    with (
        mock.patch.dict(os.environ, settings),
        pytest.raises(StateError, match="there is no state"),
        open_operations(Common(file=file)),
    ):
        pass


def test_another_account_is_refused(applied: Project) -> None:
    applied.write(APPLICATIONS.replace("project: shop", f"project: shop\naccount_id: '{'b' * 32}'"))
    with pytest.raises(StateMismatchError, match="account"), open_operations(common(applied)):
        pass


def test_environments_must_be_named(applied: Project) -> None:
    applied.write(APPLICATIONS + "environments: {blue: {}, green: {}}\n")
    applied.environ["RECONCILER_ENVIRONMENT"] = "blue"
    applied.run("apply", "--yes")
    (applied.folder / "state" / "default.json").unlink()
    applied.write(BROKEN)
    with pytest.raises(ReconcilerError, match="say -e blue"), open_operations(common(applied)):
        pass
    with open_operations(common(applied, environment="blue")) as operations:
        assert operations.state.environment == "blue"
