"""Image references by the grammar of the OCI distribution specification: text in, host, repository, tag and digest out.

Pure. What a reference means (Cloudflare's registry, another one, an error) is decided by whoever asked.
"""

from __future__ import annotations

import re

from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen

DOCKER_HUB = "docker.io"

_HUB_NAMES = {DOCKER_HUB, "index.docker.io"}
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_LONGEST_NAME = 255


def is_digest(text: str) -> bool:
    """Tells whether `text` is a complete digest of a kind that can be checked here."""
    return _DIGEST.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Tells whether `text` may be a tag."""
    return _TAG.fullmatch(text) is not None


def is_repository(text: str) -> bool:
    """Tells whether `text` may be a repository, without a host."""
    return len(text) <= _LONGEST_NAME and _REPOSITORY.fullmatch(text) is not None


def referrers_tag(digest: str) -> str:
    """The tag that stands in for the list of what refers to a digest, in a registry that keeps none (OCI 1.1)."""
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm[:32]}-{encoded[:64]}"


@frozen
class ImageReference:
    """Where an image is: an absent part is empty, and no part is guessed."""

    repository: str
    host: str = ""
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Takes a reference apart; the host is the part before the first `/` if it looks like one."""
        if "://" in text:
            raise _bad(text, "a reference has no protocol part", f"write {text.partition('://')[2]!r}")
        name, _, digest = text.partition("@")
        if "@" in text and not is_digest(digest):
            raise _bad(text, f"{digest!r} is no digest", "a digest is sha256: and 64 hexadecimal digits")
        host, path = _split_host(name)
        repository, colon, tag = path.partition(":")
        if colon and not is_tag(tag):
            raise _bad(text, f"{tag!r} is no tag", "a tag has up to 128 letters, digits, '_', '.' or '-'")
        _check_name(text, host, repository)
        if host in _HUB_NAMES:
            host, repository = DOCKER_HUB, _official(repository)
        return cls(repository, host, tag, digest)

    def __str__(self) -> str:
        name = f"{self.host}/{self.repository}" if self.host else self.repository
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{name}{tag}{digest}"

    @property
    def version(self) -> str:
        """What a registry is asked for: the digest, else the tag, else nothing."""
        return self.digest or self.tag


def _split_host(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, rest
    return "", name


def _official(repository: str) -> str:
    return repository if "/" in repository else f"library/{repository}"


def _check_name(text: str, host: str, repository: str) -> None:
    if host and not _HOST.fullmatch(host):
        raise _bad(text, f"{host!r} is no host", "a host is a name or an address, with or without a port")
    if is_repository(repository):
        return
    if not repository:
        raise _bad(text, "the repository is missing", "write [host/]name:tag")
    if len(repository) > _LONGEST_NAME:
        raise _bad(text[:40] + "...", "the repository is too long", f"{_LONGEST_NAME} characters is the most")
    if is_repository(repository.lower()):
        raise _bad(text, "a repository is written in lower case", f"write {repository.lower()!r}")
    raise _bad(text, f"{repository!r} is no repository", "use a-z and 0-9, separated by '.', '_', '-' or '/'")


def _bad(text: str, problem: str, fix: str) -> ReconcilerError:
    return ReconcilerError(f"image reference {text!r}: {problem}", fix=fix)
