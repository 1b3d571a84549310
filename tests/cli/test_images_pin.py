from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.cli.main import run
from reconciler.clients.registry import Registry
from reconciler.clients.registry_auth import Credentials
from reconciler.emulator.registry_access import mint
from reconciler.emulator.server import LocalServer
from tests.clients.faulty_registry import FaultyRegistry, running
from tests.clients.images import image, reader

ACCOUNT = "a" * 32
IMAGE = image(b"layer").top


@pytest.fixture
def registry() -> Iterator[FaultyRegistry]:
    with running() as found:
        found.manifests["1"] = (IMAGE.media_type, IMAGE.content)
        yield found


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def project(dockerfile: str, image: str) -> None:
    Path("app").mkdir()
    Path("app/Dockerfile").write_bytes(dockerfile.encode())
    Path("containers.yaml").write_text(
        f'version: 1\nproject: shop\nimages:\n  api: {{build: app}}  # ours\n  base: {{image: "{image}", push: true}}\n'
    )


def test_exactly_the_tags_become_pinned(registry: FaultyRegistry, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"{registry.host}/library/base:1"
    project(f"# top\r\nFROM {name} AS x\r\nFROM x\r\n", name)
    Path("app/Dockerfile").chmod(0o640)
    before = Path("containers.yaml").read_text()
    assert run(["images", "pin"]) == 0
    pinned = f"{name}@{IMAGE.digest}"
    assert Path("app/Dockerfile").read_bytes().decode() == f"# top\r\nFROM {pinned} AS x\r\nFROM x\r\n"
    assert Path("app/Dockerfile").stat().st_mode & 0o777 == 0o640
    assert Path("containers.yaml").read_text() == before.replace(name, pinned)
    assert capsys.readouterr().out == (
        f"app/Dockerfile:2  {name} -> {IMAGE.digest}\ncontainers.yaml:5  {name} -> {IMAGE.digest}\n"
    )
    assert len(registry.seen) == 1


def test_pinned_once_nothing_is_left_to_do(
    registry: FaultyRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{registry.host}/library/base:1@{IMAGE.digest}"
    project(f"FROM {name}\n", name)
    assert run(["images", "pin"]) == 0
    assert capsys.readouterr().err == "everything is pinned already\n"
    assert registry.seen == []


def test_what_is_not_there_stays_and_the_rest_is_pinned(
    registry: FaultyRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    name, gone = f"{registry.host}/library/base:1", f"{registry.host}/library/base:2"
    project(f"FROM {gone}\nFROM {name}\n", name)
    assert run(["images", "pin", "--json"]) == 4
    assert Path("app/Dockerfile").read_text() == f"FROM {gone}\nFROM {name}@{IMAGE.digest}\n"
    told = json.loads(capsys.readouterr().out)
    assert [one["image"] for one in told["failed"]] == [gone]
    assert [(one["file"], one["line"]) for one in told["pinned"]] == [
        ("app/Dockerfile", 2),
        ("containers.yaml", 5),
    ]


def test_nothing_at_all_could_be_pinned(registry: FaultyRegistry) -> None:
    gone = f"{registry.host}/library/base:2"
    project(f"FROM {gone}\n", gone)
    assert run(["images", "pin"]) == 1
    assert Path("app/Dockerfile").read_text() == f"FROM {gone}\n"


def test_an_image_in_cloudflares_registry(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project("FROM scratch\n", "own:1")
    manifest = Path("containers.yaml")
    manifest.write_text(manifest.read_text().replace(", push: true", ""))
    with LocalServer() as server:
        password = mint(server.world, ACCOUNT, ["pull", "push"], minutes=15)
        base = f"http://127.0.0.1:{server.port}"
        with Registry("r", credentials=lambda: Credentials("v1", password), endpoint=base) as ours:
            for digest, blob in image(b"layer").blobs.items():
                ours.upload_blob(f"{ACCOUNT}/own", digest, len(blob), reader(blob))
            ours.put_manifest(f"{ACCOUNT}/own", "1", IMAGE)
        monkeypatch.setenv("CLOUDFLARE_API_BASE_URL", f"{base}/client/v4")
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "t")
        monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)
        assert run(["images", "pin"]) == 0, capsys.readouterr().err
    assert f'"own:1@{IMAGE.digest}"' in manifest.read_text()


def test_without_credentials_it_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    project("FROM scratch\n", "own:1")
    manifest = Path("containers.yaml")
    manifest.write_text(manifest.read_text().replace(", push: true", ""))
    assert run(["images", "pin"]) == 1
    assert "containers.yaml:5  own:1: no credentials for Cloudflare" in capsys.readouterr().err
