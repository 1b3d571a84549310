"""Writes the digest behind each tag into the Dockerfiles and the manifest: `tag@digest`, and not one other character."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from reconciler.cli.dockerfiles import manifests_of, named_dockerfiles
from reconciler.cli.image_digests import ImageDigests
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer, note
from reconciler.clients.dockerfile_pins import unpinned_images as unpinned_in_dockerfile
from reconciler.clients.regular_file import read_regular
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen
from reconciler.manifest.pinning import unpinned_images as unpinned_in_manifest
from reconciler.model.manifest import Manifest
from reconciler.render.harmless import harmless
from reconciler.render.machine import render_json

DigestOf = Callable[[str], str]

_LARGEST_TEXT = 64 * 1024 * 1024


@frozen
class _Place:
    """An image's name in a file, and what is written from `start` to `end` once its digest is known."""

    name: str
    line: int
    start: int
    end: int
    pinned: str = "{name}@{digest}"
    problem: str = ""


@dataclass(slots=True)
class _File:
    """A text with the places in it; `changes` and `problems` are filled as digests are asked for."""

    path: Path
    text: str
    places: list[_Place]
    digest_of: DigestOf
    changes: list[dict[str, object]] = field(default_factory=list)
    skipped: list[dict[str, object]] = field(default_factory=list)
    failed: list[dict[str, object]] = field(default_factory=list)

    def pin(self) -> None:
        """Asks for all digests, then writes the file at once, if anything in it changes."""
        changed, at = [], 0
        for place in self.places:
            new = self._pinned(place)
            if new is not None:
                changed += [self.text[at : place.start], new]
                at = place.end
        if changed:
            _write(self.path, "".join(changed) + self.text[at:])

    def _pinned(self, place: _Place) -> str | None:
        about: dict[str, object] = {"file": str(self.path), "line": place.line, "image": place.name}
        if place.problem:
            self.skipped.append(about | {"problem": place.problem})
            return None
        try:
            digest = self.digest_of(place.name)
        except ReconcilerError as error:
            self.failed.append(about | {"problem": f"{error.message}{'; ' + error.fix if error.fix else ''}"})
            return None
        self.changes.append(about | {"digest": digest})
        return place.pinned.format(name=_with_tag(place.name), digest=digest)


@click.command("pin")
@common_options
def command(common: Common) -> int:
    """Replace tags by tag@digest in the FROM of Dockerfiles and in the manifest, at once."""
    manifests = manifests_of(common)
    with ImageDigests(common) as digests:
        files = [*_dockerfiles(common, manifests, digests), _manifest(common, digests)]
        for file in files:
            file.pin()
    changes = [one for file in files for one in file.changes]
    skipped = [one for file in files for one in file.skipped]
    failed = [one for file in files for one in file.failed]
    if common.json:
        answer(render_json({"pinned": changes, "skipped": skipped, "failed": failed}))
    else:
        _say(changes, skipped, failed)
    if failed:
        return 4 if changes else 1
    return 0


def _say(
    changes: list[dict[str, object]], skipped: list[dict[str, object]], failed: list[dict[str, object]]
) -> None:
    for one in changes:
        answer(harmless(f"{one['file']}:{one['line']}  {one['image']} -> {one['digest']}") + "\n")
    for one in skipped:
        note(f"{one['file']}:{one['line']}  left as it is: {one['problem']}")
    for one in failed:
        note(f"error: {one['file']}:{one['line']}  {one['image']}: {one['problem']}")
    if not (changes or skipped or failed):
        note("everything is pinned already")


def _dockerfiles(common: Common, manifests: list[Manifest], digests: ImageDigests) -> Iterator[_File]:
    """Each Dockerfile once, however many images are built from it."""
    seen: set[Path] = set()
    for named in named_dockerfiles(manifests, common.manifest_path().parent):
        if named.recipe is None:
            note(f"{named.source}  {named.address}: {named.problem}")
        elif named.recipe.dockerfile.resolve() not in seen:
            seen.add(named.recipe.dockerfile.resolve())
            text = _read(named.path)
            places = [
                _Place(one.name, one.line, one.start, one.end, problem=one.problem)
                for one in unpinned_in_dockerfile(text, named.recipe.args)
            ]
            yield _File(named.path, text, places, digests.of_dockerfile)


def _manifest(common: Common, digests: ImageDigests) -> _File:
    text = _read(common.manifest_path())
    places = [
        _Place(one.name, one.line, one.start, one.end, _form(one.prefix), one.problem)
        for one in unpinned_in_manifest(text)
    ]
    return _File(common.manifest_path(), text, places, digests.of_manifest)


def _form(prefix: str) -> str:
    return prefix + "{digest}" if prefix else "{name}@{digest}"


def _with_tag(name: str) -> str:
    """A name without a tag means `latest`, which is then said."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _read(path: Path) -> str:
    """A text with its line ends as they are."""
    try:
        return read_regular(path, _LARGEST_TEXT).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ReconcilerError(f"{path} cannot be read: {reason}") from None


def _write(path: Path, text: str) -> None:
    """Replaces a file's text as a whole; a link stays one, and the mode stays what it is."""
    real = path.resolve()
    draft = real.with_name(f".{real.name}.pinning")
    try:
        draft.write_bytes(text.encode())
        draft.chmod(real.stat().st_mode & 0o7777)
        draft.replace(real)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ReconcilerError(f"{path} cannot be written: {error.strerror}") from None
