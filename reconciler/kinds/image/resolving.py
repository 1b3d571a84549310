"""What images come to, found out before anything is planned: digests of tags, contents of archives, hashes of builds.

Each question is asked once, however many images need the answer, and none whose answer is remembered or recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.clients.image_lookup import (
    ImageLookup,
    MeasuredImage,
    image_outputs,
    missing_image,
    unread_outputs,
)
from reconciler.clients.image_reference import ImageReference
from reconciler.clients.image_rules import Place
from reconciler.errors import (
    AuthenticationError,
    NotFoundError,
    ReconcilerError,
    StalePlanError,
    UnavailableError,
)
from reconciler.kinds.image.building import Builder, BuildInputs, tag_of
from reconciler.kinds.image.changed_files import changed_files
from reconciler.kinds.image.descent import Descent
from reconciler.kinds.image.packages import PackageLists
from reconciler.kinds.image.wanted import WantedImage
from reconciler.kinds.image.wish import UNPINNED
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.handler import PrepareContext, Prepared
from reconciler.model.resource import Desired, Prior

if TYPE_CHECKING:
    from reconciler.clients.image_source import ImageSource

UNRESOLVED = "I120"
UNCHECKED = "I121"

_AT_ONCE = 8

Key = tuple[str, str]
Answer = TypeVar("Answer")


@dataclass(slots=True)
class Resolving:
    """One look at everything that images come from."""

    lookup: ImageLookup
    open_archive: Callable[[str], ImageSource]
    builder: Builder | None
    base_dir: Path
    context: PrepareContext
    descent: Descent
    packages: PackageLists
    digests: dict[str, str | ReconcilerError] = field(default_factory=dict)
    images: dict[Key, MeasuredImage | ReconcilerError] = field(default_factory=dict)

    def resolve(self, wishes: Sequence[Desired]) -> dict[ResourceAddress, Prepared]:
        """What every wish comes to, and what is wrong with it."""
        wanted = [WantedImage(wish) for wish in wishes]
        self.digests = _ask_all(dict(filter(None, map(self._naming, wanted))))
        self.images = _ask_all(dict(filter(None, map(self._measuring, wanted))))
        prepared = {one.desired.address: self._prepared(one) for one in wanted}
        told = _ask_all(dict(filter(None, (self._comparing(one, prepared) for one in wanted))))
        return {address: _with_packages(one, told.get(address)) for address, one in prepared.items()}

    # questions

    def _naming(self, wanted: WantedImage) -> tuple[str, Callable[[], str]] | None:
        """Which digest a tag stands for: asked at every plan, and not again when a saved one is applied."""
        reference = wanted.looked_up
        if reference is None or reference.digest or wanted.place is Place.PROTOCOL:
            return None
        if wanted.source_name in self.context.recorded:
            return None
        return wanted.source_name, lambda: self.lookup.digest_of(reference)

    def _measuring(self, wanted: WantedImage) -> tuple[Key, Callable[[], MeasuredImage]] | None:
        """Which image is behind a digest, and how large: asked only where it is not remembered."""
        if wanted.place is Place.PROTOCOL:
            return None
        whole = wanted.all_platforms or bool(wanted.pinned)
        if wanted.source == "archive" and not wanted.pinned:
            path = wanted.text
            return (wanted.source_name, ""), lambda: self.lookup.measure(
                self.open_archive(path), all_platforms=whole
            )
        reference = wanted.looked_up
        digest = self._known_digest(wanted, reference) if reference else ""
        if reference is None or not digest or self._remembers(wanted, digest):
            return None
        return (wanted.source_name, digest), lambda: self.lookup.measure(
            self.lookup.source(reference, digest), all_platforms=whole
        )

    def _comparing(
        self, wanted: WantedImage, prepared: Mapping[ResourceAddress, Prepared]
    ) -> tuple[ResourceAddress, Callable[[], dict[str, Any]]] | None:
        """Which packages come and go with another digest: asked only where both digests are known."""
        address, prior = wanted.desired.address, self._prior(wanted)
        old, new = (prior.outputs if prior else {}), prepared[address].outputs
        if not old.get("digest") or not new.get("digest") or old["digest"] == new["digest"]:
            return None
        return address, lambda: self.packages.difference(
            replace(ImageReference.parse(old["repository"]), digest=old["digest"]),
            replace(wanted.looked_up or wanted.deployed(""), tag="", digest=new["digest"]),
        )

    def _known_digest(self, wanted: WantedImage, reference: ImageReference) -> str:
        answer = self.digests.get(wanted.source_name, "")
        recorded = self.context.recorded.get(wanted.source_name, "")
        return reference.digest or recorded or (answer if isinstance(answer, str) else "")

    def _prior(self, wanted: WantedImage) -> Prior | None:
        return self.context.priors.get(wanted.desired.address)

    def _remembers(self, wanted: WantedImage, digest: str) -> bool:
        """Whether the last apply saw the same origin: then it comes to the same image."""
        prior = self._prior(wanted)
        return prior is not None and prior.facts.get("origin") == wanted.origin(digest)

    # answers

    def _prepared(self, wanted: WantedImage) -> Prepared:
        try:
            return self._resolved(wanted)
        except StalePlanError:
            raise
        except ReconcilerError as error:
            return Prepared(diagnostics=(_problem(wanted, error),))

    def _resolved(self, wanted: WantedImage) -> Prepared:
        if not wanted.source and not wanted.pinned:
            return Prepared()
        if wanted.place is Place.PROTOCOL:
            return _unread(wanted)
        if wanted.looked_up is not None:
            found = self._looked_up(wanted, wanted.looked_up)
            descent = self.descent.of_digest(wanted, self._prior(wanted), found.outputs.get("digest"))
            return replace(found, settings={**found.settings, **descent})
        if wanted.source == "archive":
            return self._unpacked(wanted)
        return self._to_build(wanted)

    def _looked_up(self, wanted: WantedImage, reference: ImageReference) -> Prepared:
        if self.context.recorded.get(wanted.source_name) == "":
            return _unread(wanted)
        try:
            digest = self._known_digest(wanted, reference) or _given(self.digests[wanted.source_name])
            image = self._image(wanted, digest)
        except NotFoundError:
            raise _missing(wanted) from None
        except (AuthenticationError, UnavailableError) as error:
            if wanted.place is not Place.PULLED:
                raise
            return self._unreadable(wanted, reference, error)
        return _known(wanted, image, digest)

    def _image(self, wanted: WantedImage, digest: str) -> MeasuredImage:
        prior = self._prior(wanted)
        if prior is not None and self._remembers(wanted, digest):
            return _remembered(prior)
        return _given(self.images[wanted.source_name, digest])

    def _unreadable(
        self, wanted: WantedImage, reference: ImageReference, error: AuthenticationError | UnavailableError
    ) -> Prepared:
        """Only Cloudflare may read it: as it was pinned before, else as written (interface 1.3).

        A tag that nothing is known of is not deployed for want of an answer: that may be there the next time.
        """
        prior = self._prior(wanted)
        origin = prior.facts.get("origin") if prior else None
        summary = f"{wanted.text} cannot be looked up from here ({error.message})"
        if prior and isinstance(origin, Mapping) and _is_known(origin, wanted):
            warned = _warning(wanted, summary, "it keeps the digest of the last apply, even if its tag moved")
            return replace(_known(wanted, _remembered(prior), origin["digest"]), diagnostics=(warned,))
        if reference.digest:
            warned = _warning(
                wanted, summary, "that it exists, and fits the disk, was not checked", UNCHECKED
            )
            return replace(_unread(wanted, reference.digest), diagnostics=(warned,))
        if isinstance(error, UnavailableError):
            raise error
        warned = _warning(
            wanted,
            summary,
            "it is deployed as written, so what runs can change by itself; log in with `docker login`, or pin it with `digest`",
        )
        return replace(_unread(wanted), diagnostics=(warned,), recorded={wanted.source_name: ""})

    def _unpacked(self, wanted: WantedImage) -> Prepared:
        image = _given(self.images[wanted.source_name, ""])
        self._check_unchanged(wanted, image.digest)
        return _known(wanted, image, image.digest)

    def _to_build(self, wanted: WantedImage) -> Prepared:
        """A build is known by its inputs: the same inputs are the same image, and need no builder."""
        if self.builder is None:
            raise ReconcilerError(
                "building images is not available in this version",
                fix="build it with your own tools, then name the result with `archive:` (an OCI layout, or what "
                "`docker save` wrote) or with `image:` and `push: true`",
            )
        inputs = self.builder.inputs(wanted.desired.attributes["build"], self.base_dir)
        self._check_unchanged(wanted, inputs.hash)
        attributes = {"inputs": inputs.hash, "repository": wanted.repository}
        outputs = self._outputs_of_inputs(wanted, inputs.hash)
        return Prepared(
            attributes,
            outputs,
            recorded={wanted.source_name: inputs.hash},
            settings={
                **self._changed_since(self._prior(wanted), inputs),
                **self.descent.of_build(wanted, self._prior(wanted), inputs.hash),
            },
            kept={inputs.hash: inputs.files},
        )

    def _changed_since(self, prior: Prior | None, inputs: BuildInputs) -> dict[str, Any]:
        """The files that differ from those of the last apply, under `files`; None where that apply was elsewhere."""
        before = prior.attributes.get("inputs") if prior else None
        if not before or before == inputs.hash:
            return {}
        files = self.context.recall(before)
        return {"files": None if files is None else changed_files(files, inputs.files)}

    def _outputs_of_inputs(self, wanted: WantedImage, inputs: str) -> Mapping[str, Any]:
        prior = self._prior(wanted)
        if (
            prior
            and prior.attributes.get("inputs") == inputs
            and prior.attributes.get("repository") == wanted.repository
        ):
            return prior.outputs
        kept = replace(wanted.deployed(""), tag=tag_of(inputs))
        try:
            digest = self.lookup.digest_of(kept)
        except NotFoundError:
            return {"tag": kept.tag, "repository": wanted.repository}
        image = self.lookup.measure(self.lookup.source(kept, digest), all_platforms=wanted.all_platforms)
        return image_outputs(wanted.repository, kept.tag, image, digest)

    def _check_unchanged(self, wanted: WantedImage, found: str) -> None:
        recorded = self.context.recorded.get(wanted.source_name)
        if recorded and recorded != found:
            raise StalePlanError(
                f"{wanted.source_name} has changed since the plan was made",
                fix="plan again",
                address=str(wanted.desired.address),
            )


def _known(wanted: WantedImage, image: MeasuredImage, origin: str) -> Prepared:
    attributes = {"digest": image.digest, "repository": wanted.repository}
    outputs = image_outputs(wanted.repository, wanted.tag(image.digest), image, origin)
    settings = {"labels": image.labels} if image.labels else {}
    return Prepared(attributes, outputs, recorded={wanted.source_name: origin}, settings=settings)


def _with_packages(prepared: Prepared, told: dict[str, Any] | ReconcilerError | None) -> Prepared:
    """A list of packages is an extra: where it cannot be had, there is none."""
    if not told or isinstance(told, ReconcilerError):
        return prepared
    return replace(prepared, settings={**prepared.settings, "packages": told})


def _unread(wanted: WantedImage, digest: str = "") -> Prepared:
    attributes = {"repository": wanted.repository} | ({"digest": digest} if digest else {})
    return Prepared(attributes, unread_outputs(wanted.placed, wanted.pinned))


def _is_known(origin: Mapping[str, Any], wanted: WantedImage) -> bool:
    """Whether the last apply could look the same name up."""
    return origin.get("reference") == wanted.source_name and bool(origin.get("digest"))


def _remembered(prior: Prior) -> MeasuredImage:
    outputs = prior.outputs
    return MeasuredImage(outputs["digest"], outputs["size"], outputs["disk_mb"], outputs["size_is_estimate"])


def _given(answer: Answer | ReconcilerError) -> Answer:
    if isinstance(answer, ReconcilerError):
        raise answer
    return answer


def _ask_all(questions: Mapping[Any, Callable[[], Answer]]) -> dict[Any, Answer | ReconcilerError]:
    """Asks everything, some at once; what went wrong is an answer too."""
    if not questions:
        return {}
    with ThreadPoolExecutor(min(_AT_ONCE, len(questions)), thread_name_prefix="image") as pool:
        return dict(zip(questions, pool.map(_asked, questions.values()), strict=True))


def _asked(question: Callable[[], Answer]) -> Answer | ReconcilerError:
    try:
        return question()
    except ReconcilerError as error:
        return error


def _missing(wanted: WantedImage) -> NotFoundError:
    if not wanted.pinned or not wanted.is_managed:
        return missing_image(wanted.placed, wanted.written, wanted.account_id)
    name = wanted.repository.removeprefix(f"{wanted.desired.settings['prefix']}/")
    return NotFoundError(
        f"{wanted.repository} holds no image {wanted.pinned}",
        fix=f"bring it there with `images copy SOURCE@{wanted.pinned} {name}`, or take `digest` out",
    )


def _problem(wanted: WantedImage, error: ReconcilerError) -> Diagnostic:
    desired = wanted.desired
    path = "digest" if wanted.pinned else wanted.source
    return Diagnostic(
        Severity.ERROR, UNRESOLVED, error.message, error.fix, str(desired.address), desired.source_of((path,))
    )


def _warning(wanted: WantedImage, summary: str, detail: str, code: str = UNPINNED) -> Diagnostic:
    desired = wanted.desired
    source = desired.source_of((wanted.source,))
    return Diagnostic(Severity.WARNING, code, summary, detail, str(desired.address), source)
