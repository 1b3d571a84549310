"""The verbs of the kind `image`: what a wish comes to, whether it is there, and how it gets into Cloudflare's registry.

Nothing is ever deleted here, and nothing is sent that is there already (interface 1.3, hard-flows A1).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.clients.image_lookup import ImageLookup, RegistryOf, image_outputs
from reconciler.clients.image_reference import ImageReference
from reconciler.clients.image_rules import ImageRules, Place, place_image
from reconciler.clients.sbom_memory import SbomMemory
from reconciler.errors import IntegrityError, NotFoundError, ReconcilerError
from reconciler.kinds.image.building import Builder, tag_of
from reconciler.kinds.image.descent import Descent, KnownDescent, descent_details, nothing_known
from reconciler.kinds.image.equal_builds import EqualBuilds
from reconciler.kinds.image.facts import KIND
from reconciler.kinds.image.packages import PackageLists
from reconciler.kinds.image.recalling import Recalling, lacking_image
from reconciler.kinds.image.resolving import Resolving
from reconciler.kinds.image.wanted import WantedImage
from reconciler.kinds.image.wish import DAEMON, UNPINNED, read_wish
from reconciler.model.address import ResourceAddress
from reconciler.model.change import SHOWN, Action, Change, Effect, Hazard
from reconciler.model.handler import (
    BindContext,
    Bound,
    Handler,
    Judgement,
    Lack,
    Look,
    PrepareContext,
    Prepared,
    Result,
    Sighting,
    Subject,
    Work,
)
from reconciler.model.resource import Desired, Observed, Pending
from reconciler.model.value import Attributes, Value

if TYPE_CHECKING:
    from reconciler.clients.image_copy import CopyResult
    from reconciler.clients.image_source import ImageSource

OpenDaemon = Callable[[str], "ImageSource"]


def _no_registry(host: str) -> Any:
    raise ReconcilerError(f"{host} cannot be asked here")


class ImageHandler(Handler):
    """Knows images. `registry` gives the registry of a host, `base_dir` is the manifest's folder.

    `open_daemon` reads an image out of Docker, `builder` makes one; both may be missing, which a message then says.
    `sboms` remembers lists of packages, `known_descent` says of a digest what other environments know about it.
    `registry_host` and `account_id` are needed to read the names in `import`.
    """

    kind = KIND

    def __init__(
        self,
        *,
        registry: RegistryOf = _no_registry,
        base_dir: Path = Path(),
        registry_host: str = "registry.cloudflare.com",
        account_id: str = "",
        open_daemon: OpenDaemon | None = None,
        builder: Builder | None = None,
        sboms: SbomMemory | None = None,
        known_descent: KnownDescent | None = None,
    ) -> None:
        self._registry = registry
        self._lookup = ImageLookup(registry)
        self._base_dir = base_dir
        self._rules = ImageRules(registry_host, account_id, hosts_known=False)
        self._open_daemon = open_daemon
        self._builder = builder
        self._packages = PackageLists(registry, sboms or SbomMemory())
        self._descent = Descent(builder, base_dir, known_descent or nothing_known)
        self._equal_builds = EqualBuilds()

    # thinking

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        """Reads the block by the rules of interface 1.3."""
        return read_wish(block, context)

    def judge(self, change: Change) -> Judgement:
        """A new image stops nothing; whoever uses it says what it does to what runs."""
        if change.desired is None or not WantedImage(change.desired).source:
            return Judgement(Effect.NONE)
        wanted = WantedImage(change.desired)
        hazards = () if wanted.is_managed or wanted.desired.outputs.get("digest") else (_unpinned(wanted),)
        return Judgement(
            Effect.NONE,
            hazards,
            _reason(change, wanted),
            _details(wanted),
            notes=_notes(wanted),
            writes=0,
        )

    def predict(self, change: Change) -> Mapping[str, Value]:
        """What it is after the change; with an ignored digest, what it was before."""
        if change.observed and _keeps_digest(change):
            return {**super().predict(change), **change.observed.outputs}
        return super().predict(change)

    # looking

    def prepare(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """Finds out which digest every image comes to."""
        resolving = Resolving(
            self._lookup,
            self._open_archive,
            self._builder,
            self._base_dir,
            context,
            self._descent,
            self._packages,
        )
        prepared = resolving.resolve(wishes)
        self._equal_builds.note(prepared.values())
        return prepared

    def recall(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """The digest of then, whatever its source has become; asked for where it is not the one of now."""
        recalling = Recalling(self._rules, context.priors, self._is_there)
        return {wish.address: recalling.recalled(wish) for wish in wishes}

    def lacks(self, change: Change) -> Lack | None:
        """An image that the registry has not any more."""
        return lacking_image(change)

    def observe(self, look: Look) -> Sighting:
        """Images do not change behind their digest: memory is enough, unless the look is to be thorough."""
        by_identity: dict[ResourceAddress, Observed] = {}
        by_key: dict[ResourceAddress, tuple[Observed, ...]] = {}
        for subject in look.subjects:
            if subject.prior is not None:
                if not look.thorough or self._is_there(subject.prior.outputs):
                    by_identity[subject.address] = _as_remembered(subject)
            elif subject.import_id:
                if found := self._named(subject):
                    by_identity[subject.address] = found
            elif subject.external and subject.wanted and "digest" in subject.wanted:
                by_key[subject.address] = (_as_wanted(subject, subject.wanted),)
        return Sighting(by_identity, by_key)

    def _is_there(self, outputs: Attributes) -> bool:
        """Whether Cloudflare's registry still holds what was deployed; of others it is not ours to say."""
        reference = ImageReference.parse(str(outputs.get("ref", "")).rpartition("://")[2])
        if reference.host != self._rules.registry_host or not reference.digest:
            return True
        return self._lookup.has(reference)

    def _named(self, subject: Subject) -> Observed | None:
        """The image that `import` or `id` names."""
        placed = place_image(subject.import_id, self._rules)
        try:
            digest = self._lookup.digest_of(placed.reference)
            image = self._lookup.measure(self._lookup.source(placed.reference, digest))
        except NotFoundError:
            return None
        outputs = image_outputs(placed.repository, placed.reference.tag, image, digest)
        attributes = {"name": subject.name, "digest": image.digest, "repository": placed.repository}
        return Observed(placed.repository, subject.name, attributes, outputs, image.digest)

    # doing

    def create(self, change: Change, work: Work) -> Result:
        """Brings the image to where it is deployed from; what is there already is not sent again."""
        return self._publish(change, work)

    def update(self, change: Change, work: Work) -> Result:
        """Brings the new image beside the old one."""
        return self._publish(change, work)

    def delete(self, change: Change, work: Work) -> Pending | None:
        """Deletes nothing: only `images gc` does."""
        del change, work
        return None

    def _publish(self, change: Change, work: Work) -> Result:
        assert change.desired is not None
        wanted = WantedImage(change.desired)
        notes: tuple[str, ...] = ()
        outputs = wanted.desired.outputs
        if change.observed and _keeps_digest(change):
            outputs = change.observed.outputs
        if not wanted.is_managed:
            return _result(change, wanted, outputs)
        if (
            wanted.pinned
            or wanted.is_recalled
            or wanted.place is Place.MANAGED
            or outputs is not wanted.desired.outputs
        ):
            self._confirm(outputs)
        elif wanted.source == "build":
            outputs = self._build(wanted, work)
        else:
            outputs, notes = self._copy(wanted, work)
        self._put_tags(wanted, outputs["digest"])
        return _result(change, wanted, outputs, notes)

    def _confirm(self, outputs: Attributes) -> None:
        """Makes sure that what is to be deployed is still there."""
        if not self._lookup.has(ImageReference.parse(outputs["ref"])):
            raise NotFoundError(f"{outputs['ref']} is not there any more", fix="plan again")

    def _copy(self, wanted: WantedImage, work: Work) -> tuple[Attributes, tuple[str, ...]]:
        outputs = wanted.desired.outputs
        digest, tag = outputs["digest"], outputs["tag"]
        held = self._digest_under(wanted, tag)
        if held == digest:
            return outputs, ()
        # A tag of ours names the digest it is for: another image under it was put there by hand, and stays.
        tags = () if held else (tag,)
        copied = self._send(self._source(wanted, digest), wanted, tags, work)
        self._check(wanted, tag if tags else digest, copied.digest, digest)
        notes = (f"the tag {tag} holds another image and was left alone",) if held else ()
        return outputs, notes

    def _source(self, wanted: WantedImage, digest: str) -> ImageSource:
        if wanted.source == "archive":
            return self._open_archive(wanted.text)
        return self._lookup.source(wanted.placed.reference, digest)

    def _send(
        self,
        source: ImageSource,
        wanted: WantedImage,
        tags: Sequence[str],
        work: Work,
        *,
        is_build: bool = False,
    ) -> CopyResult:
        from reconciler.clients.image_copy import copy_image

        target = wanted.deployed("")
        return copy_image(
            source,
            self._registry(target.host),
            target.repository,
            tags,
            all_platforms=wanted.all_platforms,
            never_overwrite=is_build,
            progress=work.progress,
            stop=work.stopping,
        )

    def _build(self, wanted: WantedImage, work: Work) -> Attributes:
        """Builds unless somebody has built the same inputs meanwhile; whoever came first is right (hard-flows A1)."""
        inputs = str(wanted.desired.attributes["inputs"])
        tag = tag_of(inputs)
        with self._equal_builds.turn(inputs):
            if not (digest := self._digest_under(wanted, tag)):
                built = self._built_elsewhere(wanted, inputs) or self._built(wanted, work)
                digest = self._send(built, wanted, (tag,), work, is_build=True).digest
        image = self._lookup.measure(
            self._lookup.source(wanted.deployed(digest), digest), all_platforms=wanted.all_platforms
        )
        return image_outputs(wanted.repository, tag, image, digest)

    def _built(self, wanted: WantedImage, work: Work) -> ImageSource:
        assert self._builder is not None
        block = wanted.desired.attributes["build"]
        return self._builder.build(block, self._base_dir, work.progress, work.stopping)

    def _built_elsewhere(self, wanted: WantedImage, inputs: str) -> ImageSource | None:
        """The same build in the repository of another image: its blobs are mounted rather than sent."""
        for repository in self._equal_builds.other_repositories(inputs, wanted.repository):
            reference = ImageReference.parse(f"{repository}:{tag_of(inputs)}")
            with contextlib.suppress(NotFoundError):
                return self._lookup.source(reference, self._lookup.digest_of(reference))
        return None

    def _put_tags(self, wanted: WantedImage, digest: str) -> None:
        moved = [tag for tag in wanted.tags if self._digest_under(wanted, tag) != digest]
        if not moved:
            return
        from reconciler.clients.image_copy import put_tags

        target = wanted.deployed(digest)
        put_tags(self._registry(target.host), target.repository, digest, moved)

    def _digest_under(self, wanted: WantedImage, tag: str) -> str:
        try:
            return self._lookup.digest_of(replace(wanted.deployed(""), tag=tag))
        except NotFoundError:
            return ""

    def _check(self, wanted: WantedImage, reference: str, sent: str, digest: str) -> None:
        """Reads back what was put there."""
        target = wanted.deployed("")
        found = self._registry(target.host).head_manifest(target.repository, reference)
        if sent != digest or found is None or found.digest != digest:
            there = found.digest if found else "nothing"
            raise IntegrityError(
                f"{wanted.repository}: {reference} holds {there} instead of {digest}", fix="run again"
            )

    def _open_archive(self, text: str) -> ImageSource:
        if text.startswith(DAEMON):
            return self._from_daemon(text.removeprefix(DAEMON))
        from reconciler.clients.image_archive import open_archive

        return open_archive(self._base_dir / text)

    def _from_daemon(self, name: str) -> ImageSource:
        if self._open_daemon is None:
            raise ReconcilerError(
                "reading images out of Docker is not available in this version",
                fix=f"run `docker save {name} -o image.tar`, and say `archive: image.tar`",
            )
        return self._open_daemon(name)


def _result(change: Change, wanted: WantedImage, outputs: Attributes, notes: tuple[str, ...] = ()) -> Result:
    digest = outputs["digest"] or ""
    observed = Observed(wanted.repository, change.name, change.wanted, outputs, digest)
    origin = wanted.desired.attributes.get("inputs") or outputs["origin"]
    descent = wanted.descent
    facts = {"origin": wanted.origin(origin), **({"descent": descent} if descent else {})}
    return Result(observed, facts=facts, notes=notes)


def _as_remembered(subject: Subject) -> Observed:
    prior = subject.prior
    assert prior is not None
    return Observed(prior.identity, prior.name, prior.attributes, prior.outputs, prior.freshness)


def _as_wanted(subject: Subject, wanted: Attributes) -> Observed:
    """Somebody else's image: looking it up has shown already that it is there."""
    return Observed(wanted["repository"], subject.name, wanted, freshness=wanted["digest"])


def _keeps_digest(change: Change) -> bool:
    """Whether `ignore_changes` holds on to the digest that is deployed."""
    ignored = change.desired.ignore_changes if change.desired else ()
    return ("digest",) in ignored


def _unpinned(wanted: WantedImage) -> Hazard:
    message = f"{wanted.text} is deployed as written: what runs can change without a plan"
    return Hazard(UNPINNED, SHOWN, message)


def _reason(change: Change, wanted: WantedImage) -> str:
    """Nothing in the manifest changed, and yet there is a change: files differ, or the name stands for another image."""
    if wanted.is_recalled:
        return ""
    if change.action is Action.UPDATE and change.paths == {("inputs",)}:
        return f"files in {wanted.desired.attributes['build']['context']} changed"
    if change.action is not Action.UPDATE or change.paths != {("digest",)} or wanted.pinned:
        return ""
    return f"{wanted.text} is another image now"


def _details(wanted: WantedImage) -> dict[str, Value]:
    outputs = wanted.desired.outputs
    known = {key: outputs.get(key) for key in ("digest", "tag", "size", "size_is_estimate")}
    settings = wanted.desired.settings
    told = {key: settings[key] for key in ("labels", "files", "packages") if settings.get(key)}
    return {"source": wanted.source_name, **known, **descent_details(wanted.descent), **told}


def _notes(wanted: WantedImage) -> tuple[str, ...]:
    if wanted.desired.settings.get("files", {}) is not None:
        return ()
    return ("changed files unknown: the last build was elsewhere",)
