from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.cli.image_sending import Display
from reconciler.clients.registry import Registry
from reconciler.clients.registry_auth import Credentials
from reconciler.emulator.server import LocalServer
from tests.cli.images_shop import digests, tags
from tests.clients.images import image, index, layout_files, pull, write_folder, write_tar
from tests.clients.images import push as put
from tests.harness import ACCOUNT, Project

OTHER = "b" * 32


def save_files() -> dict[str, bytes]:
    """What `docker save` writes, older than OCI layouts."""
    made = image(b"a layer")
    config = made.blobs[made.top.config().digest]
    entry = {"Config": "config.json", "RepoTags": ["api:1"], "Layers": ["layer.tar"]}
    return {"manifest.json": json.dumps([entry]).encode(), "config.json": config, "layer.tar": b"a layer"}


@pytest.mark.parametrize("form", ["folder", "tar", "docker save"])
def test_an_archive_is_pushed_with_its_digest(two_environments: Project, form: str) -> None:
    made = image(b"a layer")
    if form == "folder":
        write_folder(two_environments.folder / "pushed", layout_files(made))
    else:
        files = layout_files(made) if form == "tar" else save_files()
        write_tar(two_environments.folder / "pushed", files)
    ended = two_environments.run("images", "push", "pushed", "team/api:1")
    assert ended.code == 0, ended.err
    [digest] = digests(two_environments, "team/api")
    assert tags(two_environments, "team/api") == {"1": digest}
    assert ended.out == f"registry.cloudflare.com/{ACCOUNT}/team/api:1@{digest}\n"
    assert form == "docker save" or digest == made.top.digest


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("image", "api"), "api has no tag"),
        (("image", "docker.io/team/api:1"), "is not in registry.cloudflare.com"),
        (("image", f"registry.cloudflare.com/{OTHER}/api:1"), f"belongs to account {OTHER}"),
        (("image", f"api@sha256:{'a' * 64}"), "the digest comes from the image"),
        (("api:1", "api:1"), "docker-daemon:api:1"),
        (("./nowhere", "api:1"), "cannot be read"),
        (("docker-daemon:api:1", "api:1"), "Docker cannot be reached"),
    ],
)
def test_what_cannot_be_pushed_is_said(two_environments: Project, args: tuple[str, ...], said: str) -> None:
    two_environments.environ["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
    ended = two_environments.run("images", "push", *args)
    assert (ended.code, two_environments.world("manifest")) == (1, [])
    assert said in ended.err


def test_names_of_this_account_may_be_written_in_full(two_environments: Project) -> None:
    two_environments.run("images", "push", "image", f"registry.cloudflare.com/{ACCOUNT}/api:1")
    assert set(tags(two_environments, "api")) == {"1"}


def test_a_moved_tag_is_said(two_environments: Project) -> None:
    two_environments.run("images", "push", "image", "api:1")
    [before] = digests(two_environments, "api")
    write_folder(two_environments.folder / "new", layout_files(image(b"new")))
    ended = two_environments.run("images", "push", "new", "api:1")
    assert f"api:1 was {before} before" in ended.err


def test_a_second_push_sends_nothing(two_environments: Project) -> None:
    two_environments.run("images", "push", "image", "api:1")
    told = two_environments.run("images", "push", "image", "api:2", "--json").document
    assert (told["bytes_sent"], told["tag"]) == (0, "2")
    assert set(tags(two_environments, "api")) == {"1", "2"}


def other_registry(server: LocalServer) -> tuple[str, Registry]:
    """A second emulator as somebody else's registry, with the credentials that docker's configuration gets."""
    from reconciler.clients.cloudflare import Cloudflare
    from reconciler.clients.settings import ApiCredentials
    from reconciler.clients.transport import Transport

    with Transport(server.base_url, ApiCredentials(token="token")) as transport:
        minted = Cloudflare(transport, OTHER).create_registry_credentials(
            "registry.cloudflare.com", ("pull", "push"), 60
        )
    credentials = Credentials(minted["username"], minted["password"])
    host = f"127.0.0.1:{server.port}"
    return minted["password"], Registry(host, credentials=lambda: credentials)


def log_in(project: Project, folder: Path, host: str, password: str) -> None:
    import base64

    folder.mkdir()
    auth = base64.b64encode(f"v1:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    project.environ["DOCKER_CONFIG"] = str(folder)


def test_a_copy_from_another_registry_keeps_the_digest(two_environments: Project, tmp_path: Path) -> None:
    with LocalServer() as server:
        password, registry = other_registry(server)
        log_in(two_environments, tmp_path / "docker", registry.host, password)
        mixed = index(("linux/amd64", image(b"one")), ("linux/arm64", image(b"two", architecture="arm64")))
        with registry:
            put(registry, f"{OTHER}/redis", "7.4", image(b"redis"))
            put(registry, f"{OTHER}/mixed", "1", mixed)
            source = pull(registry, f"{OTHER}/redis", "7.4")
        at = f"{registry.host}/{OTHER}"
        for args in (
            (f"{at}/redis:7.4", "cache"),
            (f"{at}/redis:7.4", "cache:mine"),
            (f"{at}/mixed@{mixed.top.digest}", "mixed"),
        ):
            ended = two_environments.run("images", "copy", *args)
            assert ended.code == 0, ended.err
            assert password not in ended.out + ended.err
    digest = image(b"redis").top.digest
    assert tags(two_environments, "cache") == {f"7.4-{digest[7:19]}": digest, "mine": digest}
    assert set(source) <= digests(two_environments, "cache") | {
        one["digest"] for one in two_environments.world("blob")
    }
    assert mixed.top.digest in tags(two_environments, "mixed").values()


def test_a_copy_within_the_registry_is_mounted(two_environments: Project) -> None:
    two_environments.run("images", "push", "image", "api:1")
    told = two_environments.run("images", "copy", "api:1", "other:2", "--json").document
    assert (told["blobs_sent"], told["blobs_mounted"]) == (0, 2)
    assert tags(two_environments, "other") == {"2": told["digest"]}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("api:1",), "docker.io/library/api:1"),
        (("api",), "has neither tag nor digest"),
        (("image",), "does not say what to call it"),
        ((f"registry.cloudflare.com/{OTHER}/api:1", "api"), f"belongs to account {OTHER}"),
    ],
)
def test_what_cannot_be_copied_is_said(two_environments: Project, args: tuple[str, ...], said: str) -> None:
    ended = two_environments.run("images", "copy", *args)
    assert (ended.code, two_environments.world("manifest")) == (1, [])
    assert said in ended.err


def test_accounts_that_differ_need_an_environment(two_environments: Project) -> None:
    manifest = two_environments.folder / "containers.yaml"
    text = manifest.read_text().replace("staging: {}", f"staging: {{account_id: {OTHER}}}")
    two_environments.write(text)
    ended = two_environments.run("images", "push", "image", "api:1")
    assert (ended.code, "say -e staging | production" in ended.err) == (1, True)
    assert two_environments.run("images", "push", "image", "api:1", "-e", "staging").code == 0
    [stored] = two_environments.world("manifest")
    assert stored["repository"] == f"{OTHER}/api"


def test_progress_is_told_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter([0.0, 1.0, 6.0, 7.0])
    shown = Display(monotonic=lambda: next(seconds))
    for done in (1_000_000, 2_000_000, 3_000_000):
        shown.progress(done, 4_000_000, "api")
    shown.close()
    assert capsys.readouterr().err == "1.9 MiB of 3.8 MiB  api\n"
