from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.clients import worker_modules
from reconciler.clients.worker_modules import WorkerModules, read_modules

MAIN = 'import { App } from "./lib/app.js"; import wasm from "./m.wasm"; export { App }; export default {}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "dist/worker.js", MAIN)
    write(
        tmp_path, "dist/lib/app.js", 'import {DurableObject} from "cloudflare:workers"; import "../note.txt"'
    )
    write(tmp_path, "dist/note.txt", "note")
    write(tmp_path, "dist/m.wasm", "\0asm")
    return tmp_path


def write(base: Path, name: str, text: str) -> None:
    path = base / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def read(base: Path, globs: list[str] | None = None, main: str = "dist/worker.js") -> WorkerModules:
    return read_modules(main, globs, base)


def problem(base: Path, globs: list[str] | None = None, main: str = "dist/worker.js") -> str:
    (only,) = read(base, globs, main).problems
    return only


def test_what_main_imports_goes_with_it(folder: Path) -> None:
    found = read(folder)
    assert found.problems == ()
    assert found.main == "worker.js"
    assert [(module.name, module.content_type) for module in found.modules] == [
        ("worker.js", "application/javascript+module"),
        ("lib/app.js", "application/javascript+module"),
        ("m.wasm", "application/wasm"),
        ("note.txt", "text/plain"),
    ]


def test_a_module_becomes_a_part_of_the_upload(folder: Path) -> None:
    part = read(folder).modules[3].part
    assert (part.name, part.filename, part.content_type, part.content) == (
        "note.txt",
        "note.txt",
        "text/plain",
        b"note",
    )


def test_the_hash_knows_names_contents_and_main(folder: Path) -> None:
    before = read(folder)
    assert read(folder).sha256 == before.sha256
    write(folder, "dist/note.txt", "changed")
    after = read(folder)
    assert after.sha256 != before.sha256
    assert [module.sha256 for module in after.modules[:3]] == [module.sha256 for module in before.modules[:3]]


def test_the_hash_does_not_depend_on_where_the_manifest_is(folder: Path) -> None:
    assert read(folder).sha256 == read_modules("worker.js", None, folder / "dist").sha256


def test_circles_of_imports_end(tmp_path: Path) -> None:
    write(tmp_path, "a.js", 'import "./b.js"')
    write(tmp_path, "b.js", 'import "./a.js"; export * from "./a.js"')
    assert len(read(tmp_path, main="a.js").modules) == 2


def test_globs_replace_following(folder: Path) -> None:
    write(folder, "dist/extra/data.bin", "x")
    found = read(folder, ["dist/**/*.js", "dist/*.txt", "dist/m.wasm", "dist/extra/*"])
    assert found.problems == ()
    assert {module.name for module in found.modules} == {
        "worker.js",
        "lib/app.js",
        "note.txt",
        "m.wasm",
        "extra/data.bin",
    }


def test_an_import_that_no_glob_covers_is_told(folder: Path) -> None:
    assert "imports './m.wasm', which is not among `modules`" in problem(folder, ["dist/lib/*", "dist/*.txt"])


@pytest.mark.parametrize("glob", ["nothing/*", "../*", "/etc/*", "", "**x"])
def test_a_glob_that_matches_nothing_is_told(folder: Path, glob: str) -> None:
    assert any("nothing matches" in text for text in read(folder, [glob]).problems)


@pytest.mark.parametrize("specifier", ["hono", "@scope/x", "https://esm.sh/x", "/abs.js", "fs"])
def test_an_import_that_needs_a_bundler_says_how(tmp_path: Path, specifier: str) -> None:
    write(tmp_path, "a.js", f'import x from "{specifier}"')
    told = problem(tmp_path, main="a.js")
    assert f"a.js imports {specifier!r}" in told
    assert "npx esbuild a.js --bundle" in told


@pytest.mark.parametrize("specifier", ["cloudflare:workers", "node:fs"])
def test_what_the_runtime_brings_is_no_module(tmp_path: Path, specifier: str) -> None:
    write(tmp_path, "a.js", f'import x from "{specifier}"')
    assert read(tmp_path, main="a.js").problems == ()


def test_a_main_that_is_not_built_yet(tmp_path: Path) -> None:
    assert problem(tmp_path) == "main dist/worker.js does not exist; build it first, or correct `main`"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("worker.ts", "not JavaScript yet"),
        ("worker.svg", "no worker can be given (.svg)"),
        ("worker", "no ending"),
    ],
)
def test_a_main_that_cannot_be_uploaded(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, name, "")
    assert text in problem(tmp_path, main=name)


def test_an_import_without_its_ending_says_so(tmp_path: Path) -> None:
    write(tmp_path, "a.js", 'import "./b"')
    assert "write the file's full name" in problem(tmp_path, main="a.js")


def test_an_import_that_is_missing_names_the_importer(tmp_path: Path) -> None:
    write(tmp_path, "a.js", 'import "./b.js"')
    assert problem(tmp_path, main="a.js").startswith("a.js imports './b.js', which does not exist")


def test_nothing_outside_of_mains_folder_has_a_name(tmp_path: Path) -> None:
    write(tmp_path, "src/a.js", 'import "../lib/b.js"')
    write(tmp_path, "lib/b.js", "")
    assert "lies outside of src" in problem(tmp_path, main="src/a.js")


def test_nothing_outside_of_the_manifests_folder_is_read(tmp_path: Path) -> None:
    base = tmp_path / "project"
    write(tmp_path, "secret.txt", "s3cret")
    write(base, "a.js", 'import "./link.txt"')
    (base / "link.txt").symlink_to("../secret.txt")
    assert "outside of the manifest's folder" in problem(base, main="a.js")
    assert "outside of the manifest's folder" in problem(base, main="../secret.txt")


def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    (folder / "dist/note.txt").unlink()
    write(folder, "shared/note.txt", "shared")
    (folder / "dist/note.txt").symlink_to("../shared/note.txt")
    assert read(folder).modules[3].content == b"shared"


def test_a_pipe_is_no_module(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.js")
    assert "is a pipe" in problem(tmp_path, main="a.js")


def test_too_much_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_modules, "LARGEST", 2048)
    write(tmp_path, "a.js", 'import "./b.bin"')
    write(tmp_path, "b.bin", "x" * 2048)
    assert "is larger than" in problem(tmp_path, main="a.js")


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "a.js", 'import "./b.js"; import "hono"; import "./c.svg"')
    assert len(read(tmp_path, main="a.js").problems) == 3


def test_a_wasm_module_may_carry_wranglers_mark(tmp_path: Path) -> None:
    write(tmp_path, "a.js", 'import m from "./m.wasm?module"')
    write(tmp_path, "m.wasm", "\0asm")
    found = read(tmp_path, main="a.js")
    assert [module.name for module in found.modules] == ["a.js", "m.wasm?module"]
    assert found.modules[1].content_type == "application/wasm"


def test_classes_are_what_main_exports_also_through_others(tmp_path: Path) -> None:
    write(tmp_path, "a.js", 'export class A {}\nexport * from "./b.js"')
    write(tmp_path, "b.js", 'export class B {}\nexport * from "./c.js"')
    write(tmp_path, "c.js", 'export class C {}\nexport * from "./b.js"')
    assert read(tmp_path, main="a.js").classes == frozenset("ABC")


@pytest.mark.parametrize("text", ['export * from "cloudflare:workers"', 'export * from "./missing.js"'])
def test_what_cannot_be_known_is_not_denied(tmp_path: Path, text: str) -> None:
    write(tmp_path, "a.js", text)
    assert read(tmp_path, main="a.js").classes is None


def test_python_is_uploaded_and_not_looked_into(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "import js")
    found = read(tmp_path, main="a.py")
    assert found.modules[0].content_type == "text/x-python"
    assert found.classes is None


def test_contents_stay_out_of_the_repr(folder: Path) -> None:
    assert "DurableObject" not in repr(read(folder))
