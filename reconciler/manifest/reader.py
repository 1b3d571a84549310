"""YAML text to a tree in which every key remembers its line; refuses what is ambiguous, dangerous or no manifest at all.

The only user of ruamel.yaml, of which it takes the C parser's events: building the tree from them is twice as fast as its
own nodes. What the keys mean is left to others.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from reconciler.frozen import frozen
from reconciler.manifest.findings import Findings
from reconciler.manifest.growth import Builder, Refusal
from reconciler.manifest.syntax import Explanation, explain, with_stand_ins
from reconciler.manifest.tree import START, Block, Items, Mark, Node, mark_of, source_of

LARGEST = 64 * 1024 * 1024


@frozen
class Document:
    """A manifest as written; `file` is how messages name it."""

    file: str
    sha256: str
    root: Block


def read_document(path: str | os.PathLike[str], findings: Findings) -> Document:
    """The tree of a file; raises ManifestError where there is none."""
    document = read_leniently(path, findings)
    findings.raise_errors()
    return document


def read_leniently(path: str | os.PathLike[str], findings: Findings) -> Document:
    """The tree of a file up to its first mistake, which is collected; raises ManifestError if there is no text to read."""
    file = os.fspath(path)
    content = _read_file(file, findings)
    root = parse(_decode(content, file, findings), file, findings)
    digest = sha256(content).hexdigest()
    if isinstance(root, Block) and root:
        return Document(file, digest, root)
    what = "is no map of keys and values" if isinstance(root, Items) or root else "holds nothing"
    if not findings.errors:
        findings.error("E107", f"the manifest {what}", source_of(file, START), fix=_FIRST_LINES)
    return Document(file, digest, Block())


_FIRST_LINES = "a manifest begins with `version: 1` and `project: NAME`"


def parse(text: str, file: str, findings: Findings) -> Node:
    """The tree of a YAML text; of one with a mistake, what came before it."""
    builder, mistake = _grow(text, {})
    if mistake is not None:
        changed, translation = with_stand_ins(text)
        if changed != text:
            builder, mistake = _grow(changed, translation)
    if mistake is not None:
        code, summary, fix, mark = mistake
        findings.error(code, summary, source_of(file, mark), fix=fix)
    for twin in builder.twins:
        _report_twin(twin.key, twin.first, twin.second, file, findings)
    return builder.root


def _grow(text: str, translation: Mapping[int, str]) -> tuple[Builder, Explanation | None]:
    """The tree of a text, and the mistake that ended it."""
    from _ruamel_yaml import CParser
    from ruamel.yaml.error import YAMLError

    builder = Builder(translation)
    try:
        builder.grow(CParser(text))
    except Refusal as refusal:
        return builder, (refusal.code, refusal.summary, refusal.fix, refusal.mark)
    except YAMLError as error:
        return builder, explain(error, text.translate(dict(translation)))
    return builder, None


def _report_twin(key: str, first: Mark, second: Mark, file: str, findings: Findings) -> None:
    line = source_of(file, first).line
    summary = f'the key "{key[:80]}" stands here a second time, first on line {line}'
    findings.error("E103", summary, source_of(file, second), fix="keep one of them")


def _read_file(file: str, findings: Findings) -> bytes:
    try:
        return _read_regular(file, findings)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        missing = isinstance(error, FileNotFoundError)
    summary = "there is no manifest here" if missing else f"the manifest cannot be read: {reason}"
    fix = "`reconciler init` writes a first one, `-f FILE` names another" if missing else ""
    findings.error("E101", summary, source_of(file, 0), fix=fix)
    findings.raise_errors()
    raise AssertionError


def _read_regular(file: str, findings: Findings) -> bytes:
    """The bytes of a regular file; devices, pipes and folders are refused before anything is read from them."""
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            findings.error("E101", "this is not a regular file", source_of(file, 0))
        elif facts.st_size > LARGEST:
            findings.error("E102", "the manifest is larger than 64 MB", source_of(file, 0))
        findings.raise_errors()
        with os.fdopen(handle, "rb", closefd=False) as stream:
            return stream.read(LARGEST + 1)
    finally:
        os.close(handle)


def _decode(content: bytes, file: str, findings: Findings) -> str:
    if b"\0" in content[:4096]:
        findings.error("E104", "this is a binary file, or text that is not UTF-8", source_of(file, 0))
        findings.raise_errors()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n")
        column = len(before) - (before.rfind(b"\n") + 1)
        findings.error(
            "E104", "the manifest is not UTF-8 from here on", source_of(file, mark_of(line, column))
        )
        findings.raise_errors()
        raise


def default_manifest(folder: Path) -> Path | None:
    """The nearest `containers.yaml` in this folder or above it."""
    return next(
        (found for at in (folder, *folder.parents) if (found := at / "containers.yaml").is_file()), None
    )
