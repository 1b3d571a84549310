"""`moved` and `imports`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manifest.toys import read, told

W = "w: {for_each: [eu, us]}"


def moves(folder: Path, plays: str, moved: str) -> list[str]:
    manifest = read(folder, f"plays: {{{plays}}}\nmoved: [{moved}]\n")
    return [f"{move.origin} > {move.target}" for move in manifest.moved]


def move(origin: str, target: str) -> str:
    return f"{{from: '{origin}', to: '{target}'}}"


def many(*pairs: tuple[str, str]) -> str:
    return ", ".join(move(*pair) for pair in pairs)


@pytest.mark.parametrize(
    ("plays", "moved", "expected"),
    [
        ("b: {}", many(("play.a", "play.b")), ["play.a > play.b"]),
        ("b: {}", many(("plays.a", "plays.b")), ["play.a > play.b"]),
        ("", many(("play.a", "play.gone")), ["play.a > play.gone"]),
        ("c: {}", many(("play.a", "play.b"), ("play.b", "play.c")), ["play.a > play.c", "play.b > play.c"]),
        ("b: {}, c: {}", many(("play.a", "play.b"), ("play.b", "play.c")), ["play.a > play.b", "play.b > play.c"]),
        ("a: {}, b: {}", many(("play.a", "play.b")), ["play.a > play.b"]),
        (W, many(("play.a", 'play.w["eu"]')), ['play.a > play.w["eu"]']),
        ("a: {}", many(('play.w["eu"]', "play.a")), ['play.w["eu"] > play.a']),
        (W, many(("play.old", "play.w")), ['play.old["eu"] > play.w["eu"]', 'play.old["us"] > play.w["us"]']),
        (W, many(('play.w["asia"]', 'play.w["eu"]')), ['play.w["asia"] > play.w["eu"]']),
    ],
    ids=["one", "plurals", "to nothing", "chain", "shift", "still there", "into", "out of", "whole", "inside"],
)  # fmt: skip
def test_a_move_goes_from_its_origin_to_its_end(
    tmp_path: Path, plays: str, moved: str, expected: list[str]
) -> None:
    assert moves(tmp_path, plays, moved) == expected


@pytest.mark.parametrize(
    ("moved", "message"),
    [
        (
            many(("play.a", "play.b"), ("play.b", "play.a")),
            "moved goes round in a circle: play.a -> play.b -> play.a; swap in two steps",
        ),
        (many(("play.a", "play.b"), ("play.b", "play.c"), ("play.c", "play.a")), "moved goes round in a circle"),
        (many(("play.a", "play.c"), ("play.b", "play.c")), "play.a and play.b are both moved to play.c"),
        (many(("play.a", "play.b"), ("play.a", "play.c")), "play.a is moved twice"),
        (many(("play.a", "stage.a")), "play.a cannot become stage.a: a move stays within a kind"),
        (many(("play.a", "play.a")), "play.a is moved to itself"),
        (many(("play.A", "play.a")), '"play.A" is no address'),
        (many(("plai.a", "play.a")), 'plai.a: there is no kind "plai"; did you mean play?'),
    ],
)  # fmt: skip
def test_a_move_that_cannot_be_is_refused(tmp_path: Path, moved: str, message: str) -> None:
    (found,) = told(tmp_path, f"plays: {{}}\nmoved: [{moved}]\n")
    assert found.startswith("containers.yaml:5:")
    assert message in found


def test_a_long_chain_ends_where_it_ends(tmp_path: Path) -> None:
    entries = "".join(f"  - {move(f'play.p{n}', f'play.p{n + 1}')}\n" for n in range(500))
    manifest = read(tmp_path, f"plays: {{p500: {{}}}}\nmoved:\n{entries}")
    assert {str(one.target) for one in manifest.moved} == {"play.p500"}


def test_an_import_gives_a_resource_its_id(tmp_path: Path) -> None:
    text = (
        f'plays: {{a: {{}}, {W}}}\nimports:\n  - {{to: plays.a, id: "${{env.ID}}"}}\n'
        "  - {to: 'play.w[\"us\"]', id: 007}\n"
    )
    found = read(tmp_path, text, environ={"ID": "abc"}).resources.values()
    assert [one.import_id for one in found] == ["abc", "", "007"]


@pytest.mark.parametrize(
    ("imports", "message"),
    [
        ("{to: play.z, id: x}", "there is no play.z; did you mean play.a?"),
        ("{to: play.w, id: x}", 'an id belongs to one instance; write play.w["eu"]'),
        ("{to: play.a, id: x}, {to: play.a, id: y}", "play.a is imported twice; keep one of the entries"),
        ('{to: play.a, id: "${stages.s.name}"}', "known before planning"),
    ],
)
def test_an_import_that_cannot_be_is_refused(tmp_path: Path, imports: str, message: str) -> None:
    (found,) = told(tmp_path, f"plays: {{a: {{}}, {W}}}\nstages: {{s: {{}}}}\nimports: [{imports}]\n")
    assert message in found


def test_an_import_for_what_only_another_environment_has_is_left_to_it(tmp_path: Path) -> None:
    text = """
    plays: {a: {}}
    environments: {prod: {plays: {b: {}}}, dev: {plays: {a: null}}}
    imports: [{to: play.b, id: x}, {to: play.a, id: y}]
    """
    prod, dev = (read(tmp_path, text, name).resources.values() for name in ("prod", "dev"))
    assert {str(one.address): one.import_id for one in prod} == {"play.a": "y", "play.b": "x"}
    assert not list(dev)
