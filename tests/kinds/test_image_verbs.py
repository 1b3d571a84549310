from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.git_commit import Commit
from reconciler.clients.image_source import ImageSource
from reconciler.emulator.server import LocalServer
from reconciler.kinds.image import BuildInputs
from reconciler.model.event import StepProgressed, StepVoided
from reconciler.model.handler import Look, Subject
from reconciler.model.resource import Desired
from tests.clients.images import Image, image, index, layout_files, pull, push, write_folder, write_tar
from tests.kinds.image_bench import ACCOUNT, HOST, bind_image
from tests.kinds.kind_bench import changes, failures
from tests.kinds.registries_bench import API, Registries, registries

REDIS = image(b"redis" * 1000)
NEWER = image(b"newer" * 1000)
BOTH = index(("linux/amd64", REDIS), ("linux/arm64", image(b"arm", architecture="arm64")))
REPOSITORY = f"{ACCOUNT}/shop-api"
OURS = f"{HOST}/{ACCOUNT}"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture
def there(server: LocalServer, tmp_path: Path) -> Iterator[Registries]:
    with registries(server, tmp_path) as made:
        yield made


def tag_of(pushed: Image, source_tag: str = "7.4") -> str:
    short = pushed.top.digest.removeprefix("sha256:")[:12]
    return f"{source_tag}-{short}" if source_tag else short


def redis(there: Registries, **more: Any) -> dict[str, Any]:
    return {"image": f"{there.elsewhere.host}/lib/redis:7.4", "push": True, **more}


def test_a_copy_is_the_same_image_under_its_own_tag(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    assert failures(there.bench.apply(there.wish(redis(there)))) == []
    assert there.managed.list_tags(REPOSITORY) == (tag_of(REDIS),)
    assert pull(there.managed, REPOSITORY, tag_of(REDIS)) == {
        **REDIS.blobs,
        REDIS.top.digest: REDIS.top.content,
    }


def test_state_remembers_where_it_came_from(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", BOTH)
    there.bench.apply(there.wish(redis(there)))
    prior = there.bench.prior(API)
    text = f"{there.elsewhere.host}/lib/redis:7.4"
    assert prior.identity == f"{OURS}/shop-api"
    assert prior.facts == {"origin": {"reference": text, "digest": BOTH.top.digest}}
    assert prior.outputs["ref"] == f"{OURS}/shop-api@{REDIS.top.digest}"
    assert changes(there.bench.plan(there.wish(redis(there)))) == {}


def test_an_index_is_copied_with_all_its_platforms(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", BOTH)
    assert failures(there.bench.apply(there.wish(redis(there, platforms="all")))) == []
    kept = pull(there.managed, REPOSITORY, tag_of(BOTH))
    assert set(kept) == {BOTH.top.digest, *BOTH.children, *BOTH.blobs}


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_an_archive_is_pushed(there: Registries, form: str) -> None:
    files = layout_files(REDIS)
    write_folder(there.folder / "out", files) if form == "folder" else write_tar(there.folder / "out", files)
    assert failures(there.bench.apply(there.wish({"archive": "out", "tags": ["v1", "stable"]}))) == []
    assert sorted(there.managed.list_tags(REPOSITORY)) == sorted([tag_of(REDIS, ""), "stable", "v1"])
    assert pull(there.managed, REPOSITORY, "v1")[REDIS.top.digest] == REDIS.top.content


def test_what_is_there_already_is_not_sent_again(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    there.bench.apply(there.wish(redis(there)))
    there.managed_requests()
    second = there.another_machine()
    assert failures(second.apply(there.wish(redis(there)))) == []
    assert there.managed_requests() == ["HEAD manifests"]
    assert second.prior(API).outputs == there.bench.prior(API).outputs


def test_another_image_goes_beside_the_old_one(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    there.bench.apply(there.wish(redis(there)))
    push(there.other, "lib/redis", "7.4", NEWER)
    assert failures(there.bench.apply(there.wish(redis(there)))) == []
    assert set(there.managed.list_tags(REPOSITORY)) == {tag_of(REDIS), tag_of(NEWER)}
    assert there.bench.prior(API).outputs["digest"] == NEWER.top.digest


def test_further_tags_move_with_the_digest(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    there.bench.apply(there.wish(redis(there, tags=["stable"])))
    push(there.other, "lib/redis", "7.4", NEWER)
    there.bench.apply(there.wish(redis(there, tags=["stable"])))
    assert there.managed.get_manifest(REPOSITORY, "stable").digest == NEWER.top.digest


def test_a_tag_that_holds_another_image_is_left_alone(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    push(there.managed, REPOSITORY, tag_of(REDIS), NEWER)
    events = there.bench.apply(there.wish(redis(there)))
    assert failures(events) == []
    notes = [note for event in events for note in getattr(event, "notes", ())]
    assert notes == [f"the tag {tag_of(REDIS)} holds another image and was left alone"]
    assert there.managed.get_manifest(REPOSITORY, tag_of(REDIS)).digest == NEWER.top.digest
    assert there.managed.get_manifest(REPOSITORY, REDIS.top.digest).content == REDIS.top.content


def test_a_managed_image_is_only_looked_at(there: Registries) -> None:
    push(there.managed, f"{ACCOUNT}/my-api", "1", REDIS)
    there.managed_requests()
    assert failures(there.bench.apply(there.wish({"image": "my-api:1"}))) == []
    assert {one.partition(" ")[0] for one in there.managed_requests()} == {"GET", "HEAD"}
    assert there.bench.prior(API).identity == f"{OURS}/my-api"


def test_what_cloudflare_pulls_is_left_where_it_is(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    text = f"{there.elsewhere.host}/lib/redis:7.4"
    assert failures(there.bench.apply(there.wish({"image": text}))) == []
    assert there.managed_requests() == []
    assert there.bench.prior(API).outputs["digest"] == REDIS.top.digest


def test_a_pinned_image_is_confirmed_and_nothing_else(there: Registries) -> None:
    digest = push(there.managed, REPOSITORY, "x", REDIS)
    there.managed_requests()
    assert failures(there.bench.apply(there.wish(redis(there, digest=digest)))) == []
    assert {one.partition(" ")[0] for one in there.managed_requests()} == {"GET", "HEAD"}
    assert there.other_requests() == []


def test_pinning_what_runs_and_letting_go_of_it_again(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    there.bench.apply(there.wish(redis(there)))
    pinned = there.wish(redis(there, digest=REDIS.top.digest))
    assert changes(there.bench.plan(pinned)) == {}
    assert changes(there.bench.plan(there.wish(redis(there)))) == {}


def test_another_name_is_another_repository_and_no_replacement(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    there.bench.apply(there.wish(redis(there)))
    renamed = there.wish(redis(there), name="cache", named_by_default=False)
    assert changes(there.bench.plan(renamed))["image.api"].action == "update"
    assert failures(there.bench.apply(renamed)) == []
    assert there.managed.list_tags(f"{ACCOUNT}/cache") == there.managed.list_tags(REPOSITORY)
    assert there.bench.prior(API).identity == f"{OURS}/cache"
    assert changes(there.bench.plan(renamed)) == {}


def test_an_image_that_leaves_the_manifest_is_forgotten_and_stays(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    there.bench.apply(there.wish(redis(there)))
    there.managed_requests()
    assert changes(there.bench.plan())["image.api"].action == "forget"
    there.bench.apply()
    assert there.managed_requests() == []
    assert there.bench.state.resources == {}


def test_a_thorough_look_notices_that_an_image_is_gone(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    wish = there.wish(redis(there))
    there.bench.apply(wish)
    there.managed.delete_manifest(REPOSITORY, tag_of(REDIS))
    there.drive("DELETE", "world")
    there.opened.pop(HOST).close()
    assert changes(there.bench.plan(wish, thorough=True))["image.api"].action == "create"


def test_somebody_elses_image_is_found_and_left_alone(there: Registries) -> None:
    push(there.managed, f"{ACCOUNT}/base", "1", REDIS)
    wish = there.wish({"image": "base:1"}, external=True)
    blueprint = there.bench.plan(wish)
    assert changes(blueprint) == {}
    predicted = there.bench.handlers["image"].predict(blueprint.decided.changes[API])
    assert predicted["ref"] == f"{OURS}/base@{REDIS.top.digest}"


def test_somebody_elses_image_may_be_named_by_repository_and_digest(there: Registries) -> None:
    digest = push(there.managed, f"{ACCOUNT}/base", "1", REDIS)
    binding = bind_image({"digest": digest}, external=True)
    wish = Desired(
        API,
        binding.attributes,
        name="base",
        named_by_default=False,
        external=True,
        settings=binding.bound.settings,
    )
    blueprint = there.bench.plan(wish)
    assert changes(blueprint) == {}
    assert blueprint.manifest.resources[API].outputs["ref"] == f"{OURS}/base@{digest}"


@pytest.mark.parametrize("text", ["base:1", f"{OURS}/base:1"])
def test_an_image_is_imported_by_its_name(there: Registries, text: str) -> None:
    push(there.managed, f"{ACCOUNT}/base", "1", REDIS)
    look = Look(1, [Subject(API, "shop-api", import_id=text)])
    (observed,) = there.bench.handlers["image"].observe(look).by_identity.values()
    assert observed.outputs["ref"] == f"{OURS}/base@{REDIS.top.digest}"
    nothing = Look(1, [Subject(API, "shop-api", import_id="base:2")])
    assert there.bench.handlers["image"].observe(nothing).by_identity == {}


def test_progress_is_told_in_bytes(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    events = there.bench.apply(there.wish(redis(there)))
    told = [event for event in events if isinstance(event, StepProgressed)]
    size = sum(map(len, REDIS.blobs.values()))
    assert (told[-1].done, told[-1].of) == (size, size)


def test_a_copy_that_is_told_to_stop_leaves_nothing_behind(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    wish = there.wish(redis(there))
    original = there.managed.has_blob

    def stop_and_look(repository: str, digest: str) -> bool:
        there.bench.stop.ask()
        return original(repository, digest)

    there.managed.has_blob = stop_and_look  # type: ignore[method-assign]
    events = there.bench.apply(wish)
    assert [event.why for event in events if isinstance(event, StepVoided)] == ["interrupted without effect"]
    assert there.managed.list_tags(REPOSITORY) == ()
    assert failures(there.another_machine().apply(wish)) == []


@pytest.mark.parametrize("number", [1, 3, 4, 7, 9, 11])
def test_a_copy_cut_off_anywhere_is_finished_by_the_next_apply(there: Registries, number: int) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    wish = there.wish(redis(there))
    fault = {"path": "/v2/", "after": number, "times": 8, "fault": {"status": 403, "body": {}}}
    there.drive("PUT", "faults", [fault])
    assert len(failures(there.bench.apply(wish))) == 1
    there.drive("PUT", "faults", [])
    assert failures(there.bench.apply(wish)) == []
    assert there.managed.list_tags(REPOSITORY) == (tag_of(REDIS),)
    assert pull(there.managed, REPOSITORY, tag_of(REDIS)).keys() == {*REDIS.blobs, REDIS.top.digest}
    assert changes(there.bench.plan(wish)) == {}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_changes_nothing(there: Registries, when: str) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    fault = {"method": "PUT", "path": "/manifests/", "fault": {"drop": when}}
    there.drive("PUT", "faults", [fault])
    assert failures(there.bench.apply(there.wish(redis(there)))) == []
    assert there.managed.list_tags(REPOSITORY) == (tag_of(REDIS),)


@dataclass
class FixedBuilder:
    """A builder whose inputs and result are given."""

    result: Image
    hash: str = "inputs-1"
    built: list[Mapping[str, Any]] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def inputs(self, block: Mapping[str, Any], base_dir: Path) -> BuildInputs:
        return BuildInputs(self.hash)

    def commit(self, block: Mapping[str, Any], base_dir: Path) -> Commit | None:
        return None

    def build(
        self,
        block: Mapping[str, Any],
        base_dir: Path,
        progress: Callable[[int, int, str], None],
        stop: Callable[[], bool],
    ) -> ImageSource:
        self.built.append(block)
        self.meanwhile()
        return self.result


BUILD = {"build": {"context": "web"}}


def test_a_build_is_tagged_by_its_inputs(there: Registries) -> None:
    builder = FixedBuilder(REDIS)
    bench = there.another_machine(builder)
    planned = changes(bench.plan(there.wish(BUILD)))["image.api"]
    assert (planned.action, builder.built) == ("create", [])
    assert failures(bench.apply(there.wish(BUILD))) == []
    assert bench.prior(API).outputs["ref"] == f"{OURS}/shop-api@{REDIS.top.digest}"
    assert there.managed.list_tags(REPOSITORY) == ("inputs-1",)
    assert changes(bench.plan(there.wish(BUILD))) == {}


def test_the_same_inputs_are_not_built_on_another_machine(there: Registries) -> None:
    there.another_machine(FixedBuilder(REDIS)).apply(there.wish(BUILD))
    builder = FixedBuilder(NEWER)
    bench = there.another_machine(builder)
    blueprint = bench.plan(there.wish(BUILD))
    assert blueprint.manifest.resources[API].outputs["digest"] == REDIS.top.digest
    assert failures(bench.apply(there.wish(BUILD))) == []
    assert builder.built == []
    assert bench.prior(API).outputs["digest"] == REDIS.top.digest


def test_whoever_built_the_same_inputs_first_is_right(there: Registries) -> None:
    builder = FixedBuilder(NEWER, meanwhile=lambda: push(there.managed, REPOSITORY, "inputs-1", REDIS))
    bench = there.another_machine(builder)
    assert failures(bench.apply(there.wish(BUILD))) == []
    assert there.managed.get_manifest(REPOSITORY, "inputs-1").digest == REDIS.top.digest
    assert bench.prior(API).outputs["digest"] == REDIS.top.digest


def test_unchanged_inputs_keep_their_digest_even_if_the_tag_moved(there: Registries) -> None:
    bench = there.another_machine(FixedBuilder(REDIS))
    bench.apply(there.wish(BUILD))
    push(there.managed, REPOSITORY, "inputs-1", NEWER)
    blueprint = bench.plan(there.wish(BUILD))
    assert changes(blueprint) == {}
    assert blueprint.manifest.resources[API].outputs["digest"] == REDIS.top.digest


def test_other_inputs_are_another_build(there: Registries) -> None:
    builder = FixedBuilder(REDIS)
    bench = there.another_machine(builder)
    bench.apply(there.wish(BUILD))
    builder.result, builder.hash = NEWER, "inputs-2"
    planned = changes(bench.plan(there.wish(BUILD)))["image.api"]
    assert [one.path for one in planned.attributes] == ["inputs"]
    bench.apply(there.wish(BUILD))
    assert bench.prior(API).outputs["digest"] == NEWER.top.digest
