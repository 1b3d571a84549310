from __future__ import annotations

import pytest

from reconciler.manifest.pinning import unpinned_images

DIGEST = "sha256:" + "a" * 64
HEAD = "version: 1\nproject: shop\n"


def pinned(text: str) -> str:
    for one in reversed(unpinned_images(text)):
        if not one.problem:
            text = f"{text[: one.start]}{one.prefix or one.name + '@'}{one.line}{text[one.end :]}"
    return text


@pytest.mark.parametrize(
    ("written", "changed"),
    [
        ("images:\n  a:\n    image:   docker.io/a/b:1   # kept\n", None),
        ("images: {a: {image: 'docker.io/a/b:1', push: true}}\n", None),
        ('images: {a: {push: true, image: "docker.io/a/b:1" }}\n', None),
        ("images:\r\n  a: {image: docker.io/a/b:1}\r\n", None),
        ("environments: {x: {images: {a: {image: docker.io/a/b:1}}}}\n", None),
        ("images:\n  a: &one {image: docker.io/a/b:1}\n  b: *one\n", None),
        (
            "images: {a: {image: {name: b, tag: '1'}}}\n",
            "images: {a: {image: {name: b, tag: '1', digest: 3}}}\n",
        ),
        (
            "images:\n  a:\n    image:\n      name: b\n      tag: '1'  # kept\n    push: true\n",
            "images:\n  a:\n    image:\n      name: b\n      tag: '1'  # kept\n      digest: 6\n    push: true\n",
        ),
        (f"images: {{a: {{image: 'b:1@{DIGEST}'}}, c: {{image: b:1, digest: '{DIGEST}'}}}}\n", ""),
        (f"images: {{a: {{image: {{name: b, digest: '{DIGEST}'}}}}, c: {{build: .}}}}\n", ""),
        ("applications: {a: {image: b:1}}\nimages:\n", ""),
    ],
)
def test_exactly_the_names_are_found(written: str, changed: str | None) -> None:
    line = 3 + written[: written.find("docker.io")].count("\n")
    expected = written.replace("a/b:1", f"a/b:1@{line}") if changed is None else changed or written
    assert pinned(HEAD + written) == HEAD + expected


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("images: {a: {image: 'b:${var.tag}'}}\n", "b:${var.tag} holds a reference; write it in full"),
        ("images: {a: {image: 'mine://b:1'}}\n", "mine://b:1 is pulled by a protocol"),
        ('images: {a: {image: "b:\\x31"}}\n', "b:1 is written in a way that cannot be changed here"),
    ],
)
def test_what_cannot_be_pinned_says_why(written: str, problem: str) -> None:
    [one] = unpinned_images(HEAD + written)
    assert one.problem.startswith(problem)
