"""Files to trees with places; everything that is refused, with a message and a place."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ManifestError
from reconciler.manifest.findings import Findings
from reconciler.manifest.reader import LARGEST, Document, default_manifest, read_document, read_leniently
from reconciler.manifest.tree import Block, Items, mark_at, source_of


def read(folder: Path, text: str | bytes) -> Document:
    path = folder / "containers.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_document(path, Findings())


def refusal(folder: Path, text: str | bytes) -> str:
    with pytest.raises(ManifestError) as raised:
        read(folder, text)
    return str(raised.value).replace(f"{folder}/", "")


def place(document: Document, *path: str | int) -> tuple[int, int]:
    found = source_of(document.file, mark_at(document.root, path))
    return found.line, found.column


def test_every_key_and_member_remembers_its_place(tmp_path: Path) -> None:
    document = read(tmp_path, "a: 1\nb:\n  c: [x, y]\n  d:\n    - e: 1\n    - f\n")
    assert place(document, "a") == (1, 1)
    assert place(document, "b", "c") == (3, 3)
    assert place(document, "b", "c", 1) == (3, 10)
    assert place(document, "b", "d", 0, "e") == (5, 7)
    assert place(document, "b", "d", 1) == (6, 7)


def test_a_path_that_leads_nowhere_has_the_place_of_what_is_above_it(tmp_path: Path) -> None:
    document = read(tmp_path, "a: 1\nb:\n  c: [x]\n")
    assert place(document, "b", "nothing") == (2, 1)
    assert place(document, "b", "c", 7) == (3, 3)
    assert place(document, "nothing") == (1, 1)


def test_the_tree_is_plain_data(tmp_path: Path) -> None:
    document = read(tmp_path, 'a: {b: [1, 2.5, true, no, null, "3"]}\n')
    assert document.root == {"a": {"b": [1, 2.5, True, "no", None, "3"]}}
    assert isinstance(document.root["a"], Block)
    assert isinstance(document.root["a"]["b"], Items)


@pytest.mark.parametrize(
    ("written", "spelling"),
    [("1.10", "1.10"), ("0123", "0123"), ("True", "True"), ("0x1F", "0x1F"), ("7", None), ("1.5", None)],
)
def test_a_scalar_keeps_its_spelling_where_python_prints_another(
    tmp_path: Path, written: str, spelling: str | None
) -> None:
    document = read(tmp_path, f"a: {written}\nb: [{written}]\n")
    assert document.root.spelling("a") == spelling
    assert document.root["b"].spelling(0) == spelling


def test_an_alias_repeats_value_and_spelling(tmp_path: Path) -> None:
    document = read(tmp_path, "a: &x 1.10\nb: *x\nc: &y {d: 1}\ne: *y\n")
    assert document.root["b"] == 1.1
    assert document.root.spelling("b") == "1.10"
    assert document.root["e"] == {"d": 1}


def test_merge_keys_give_what_the_map_does_not_say_itself(tmp_path: Path) -> None:
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz:\n  b: 3\n  <<: [*x, *y]\n  d: 3\n"
    document = read(tmp_path, text)
    assert document.root["z"] == {"b": 3, "d": 3, "a": 1, "c": 2}
    assert place(document, "z", "a") == (1, 8)
    assert place(document, "z", "b") == (4, 3)


def test_what_is_merged_first_wins(tmp_path: Path) -> None:
    document = read(tmp_path, "x: &x {a: 1}\ny: &y {a: 2}\nz: {<<: [*y, *x]}\n")
    assert document.root["z"] == {"a": 2}


def test_a_quoted_merge_key_is_a_key(tmp_path: Path) -> None:
    assert read(tmp_path, 'a: {"<<": 1}\n').root == {"a": {"<<": 1}}


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    document = read(tmp_path, "\ufeffa: 1\r\nb:\r\n  c: 2\r\n")
    assert document.root == {"a": 1, "b": {"c": 2}}
    assert place(document, "b", "c") == (3, 3)


def test_keys_that_look_like_numbers_are_texts(tmp_path: Path) -> None:
    assert read(tmp_path, "404: a\nno: b\n1.10: c\n").root == {"404": "a", "no": "b", "1.10": "c"}


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("a: {image: redis:7.4, url: https://x.y/z?a=b&c=d}", {"a": {"image": "redis:7.4", "url": "https://x.y/z?a=b&c=d"}}),
        ("a: [b:c, d?e, x::y, 10:30]", {"a": ["b:c", "d?e", "x::y", "10:30"]}),
        ('a: {"b":1, "c":"d:e", \'f\': g:h}', {"a": {"b": 1, "c": "d:e", "f": "g:h"}}),
        ("a: {b:c}\nd:e: f:g\n", {"a": {"b:c": None}, "d:e": "f:g"}),
        ("a: {b: c:d} # e:f?\ng: |\n  h:i?\n", {"a": {"b": "c:d"}, "g": "h:i?\n"}),
        ("a: {b: c:d}\ne: \ue000\ue001\n", {"a": {"b": "c:d"}, "e": "\ue000\ue001"}),
    ],
)  # fmt: skip
def test_colons_and_question_marks_are_part_of_a_text_also_in_braces(
    tmp_path: Path, text: str, root: dict[str, Any]
) -> None:
    assert read(tmp_path, text).root == root


def test_a_mistake_behind_such_a_text_keeps_its_place(tmp_path: Path) -> None:
    assert refusal(tmp_path, "a: {b: c:d}\ne: @f:g\n").startswith(
        'containers.yaml:2:4  a value cannot begin with "@"'
    )


REFUSED: list[tuple[str, str | bytes, str]] = [
    ("empty", "", "containers.yaml:1:1  the manifest holds nothing"),
    ("only comments", "# nothing\n", "containers.yaml:1:1  the manifest holds nothing"),
    ("an empty document", "---\n...\n", "containers.yaml:1:1  the manifest holds nothing"),
    ("null", "null\n", "containers.yaml:1:1  the manifest holds nothing"),
    ("no keys", "{}\n", "containers.yaml:1:1  the manifest holds nothing"),
    ("a list", "- a\n", "containers.yaml:1:1  the manifest is no map"),
    ("an empty list", "[]\n", "containers.yaml:1:1  the manifest is no map"),
    ("a text", "hello\n", "containers.yaml:1:1  the manifest is no map"),
    ("two documents", "a: 1\n---\nb: 2\n", "containers.yaml:2:1  a second YAML document begins here"),
    ("a tab", "a:\n\tb: 1\n", "containers.yaml:2:1  a tab stands where YAML wants spaces"),
    ("a tab behind spaces", "a:\n  b: 1\n  \tc: 1\n", "containers.yaml:3:"),
    ("a tab in a block text", "a: |\n\tx\n", "containers.yaml:2:1  a tab stands where YAML wants spaces"),
    ("a tag", "a: !thing x\n", "containers.yaml:1:4  the tag !thing is not allowed"),
    ("a standard tag", "a: !!str 1\n", "containers.yaml:1:4  the tag !!str is not allowed"),
    ("a tag on a map", "a: !!map {}\n", "containers.yaml:1:4  the tag !!map is not allowed"),
    ("a tag on a list", "a: !x [1]\n", "containers.yaml:1:4  the tag !x is not allowed"),
    ("a map as key", "? {a: 1}\n: b\n", "containers.yaml:1:3  a key must be a text"),
    ("a list as key", "? [a]\n: b\n", "containers.yaml:1:3  a key must be a text"),
    ("null as key", "~: a\n", "containers.yaml:1:1  a key must be a text, not null"),
    ("nothing as key", "? \n: a\n", "containers.yaml:"),
    ("an alias as key", "a: &x b\n*x : c\n", "containers.yaml:2:1  a key must be a text, not an alias"),
    ("an unknown alias", "a: *x\n", 'containers.yaml:1:4  no anchor "&x" stands before this alias'),
    (
        "an alias of itself",
        "a: &x [*x]\n",
        'containers.yaml:1:8  the alias "*x" stands inside what it repeats',
    ),
    ("a merge of itself", "a: &x {<<: *x}\n", 'containers.yaml:1:12  the alias "*x" stands inside'),
    ("a merge of a text", "a: {<<: b}\n", "containers.yaml:1:5  only maps can be merged"),
    (
        "an unquoted reference",
        "{image: ${images.api}}\n",
        "containers.yaml:1:10  this reference is not quoted",
    ),
    ("one in a list", "a: [${images.api}]\n", "containers.yaml:1:6  this reference is not quoted"),
    ("a second colon", "a: b: c\n", 'containers.yaml:1:5  a second ": " in one value'),
    ("an at sign", "a: @x\n", 'containers.yaml:1:4  a value cannot begin with "@"'),
    ("an open quote", "a: 'x\n", "containers.yaml:2:1  a quote is never closed"),
    ("an open bracket", "a: [1, 2\n", "containers.yaml:2:1  a bracket is never closed"),
    ("bad indentation", "- a\nb: c\n", "containers.yaml:2:1  this is not YAML"),
    ("latin-1", "a: caf\xe9\n".encode("latin-1"), "containers.yaml:1:7  the manifest is not UTF-8"),
    ("utf-16", "a: 1\n".encode("utf-16"), "containers.yaml  this is a binary file"),
    ("binary", b"\x7fELF\x00\x01", "containers.yaml  this is a binary file"),
    ("a control character", "a: 1\nb: \x07\n", "containers.yaml:2:4  the character U+0007 is not allowed"),
    ("a lone surrogate", 'a: "\\ud800"\n', "containers.yaml:1:"),
]


@pytest.mark.parametrize(("text", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_no_manifest_is_refused_with_a_place(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert refusal(tmp_path, text).startswith(message)


def test_the_fix_of_an_unquoted_reference_says_quote_it(tmp_path: Path) -> None:
    assert '; quote it: inside `{ }` and `[ ]` a reference is written "${...}"' in refusal(
        tmp_path, "a: {image: ${images.api}}\n"
    )


def test_a_key_that_stands_twice_is_said_with_both_lines(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as raised:
        read(tmp_path, "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 2\n")
    found = [str(one).replace(f"{tmp_path}/", "") for one in raised.value.diagnostics]
    assert found == [
        'containers.yaml:5:3  the key "c" stands here a second time, first on line 3; keep one of them',
        'containers.yaml:6:1  the key "a" stands here a second time, first on line 1; keep one of them',
    ]


def test_a_billion_laughs_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert "the aliases of this file repeat too much" in refusal(tmp_path, "\n".join(lines))


def test_merges_that_multiply_are_refused(tmp_path: Path) -> None:
    keys = "".join(f"  k{n}: {n}\n" for n in range(2000))
    merges = "".join(f"m{n}: {{<<: *base}}\n" for n in range(100))
    assert "repeat too much" in refusal(tmp_path, f"base: &base\n{keys}{merges}")


def test_ordinary_reuse_is_not_refused(tmp_path: Path) -> None:
    keys = "".join(f"  k{n}: {n}\n" for n in range(12))
    users = "".join(f"m{n}:\n  <<: *base\n  own: {n}\n  also: [1, 2]\n" for n in range(5000))
    assert len(read(tmp_path, f"base: &base\n{keys}{users}").root) == 5001


@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_very_deep_nesting_is_refused(tmp_path: Path, opening: str) -> None:
    assert "nested more than 100 levels deep" in refusal(tmp_path, "a: " + opening * 5000)


def test_aliases_do_not_nest_deeper_than_the_limit(tmp_path: Path) -> None:
    lines = [f"b0: &b0 {'[' * 40}x{']' * 40}"]
    lines += [f"b{n}: &b{n} {'[' * 40}*b{n - 1}{']' * 40}" for n in range(1, 4)]
    assert "nested more than 100 levels deep" in refusal(tmp_path, "\n".join(lines))


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="there is no manifest here; `reconciler init`"):
        read_document(tmp_path / "containers.yaml", Findings())


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("make", [Path.mkdir, _pipe, _socket])
def test_folders_pipes_and_sockets_are_refused_unread(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "x"
    make(path)
    with pytest.raises(ManifestError, match=r"regular file|cannot be read"):
        read_document(path, Findings())


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "a\0b"])
def test_devices_and_impossible_names_are_refused(path: str) -> None:
    with pytest.raises(ManifestError, match=r"regular file|cannot be read"):
        read_document(path, Findings())


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "containers.yaml"
    with path.open("wb") as stream:
        stream.truncate(LARGEST + 1)
    with pytest.raises(ManifestError, match="larger than 64 MB"):
        read_document(path, Findings())


def test_a_lenient_reading_gives_what_came_before_the_mistake(tmp_path: Path) -> None:
    path = tmp_path / "containers.yaml"
    path.write_text("project: shop\nstate: {path: x}\nb: [\n")
    findings = Findings()
    assert read_leniently(path, findings).root["project"] == "shop"
    assert len(findings.errors) == 1


def test_the_hash_is_of_the_bytes(tmp_path: Path) -> None:
    assert read(tmp_path, "a: 1\n").sha256 != read(tmp_path, "a: 1 \n").sha256


def test_the_nearest_manifest_upward_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert default_manifest(inner) is None
    (tmp_path / "a" / "containers.yaml").touch()
    assert default_manifest(inner) == tmp_path / "a" / "containers.yaml"
