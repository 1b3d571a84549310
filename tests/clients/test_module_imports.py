from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.clients.module_imports import scan


@pytest.mark.parametrize(
    "statement",
    [
        'import "./x.js"',
        "import './x.js';",
        'import a from "./x.js"',
        'import a, {b as c} from "./x.js"',
        'import * as a from "./x.js"',
        'import a, * as b from "./x.js"',
        'import{a as b}from"./x.js"',
        'import*as a from"./x.js"',
        'import a$1 from"./x.js"',
        'import {\n  a, // one\n  b, /* two */\n} from "./x.js"',
        'import /* why */ a from "./x.js"',
        'import a from "./x.js" with {type: "json"}',
        'export * from "./x.js"',
        'export * as a from "./x.js"',
        'export {a as default} from "./x.js"',
        'export{a}from"./x.js"',
        'const a = await import("./x.js")',
        "const a = import(\n  './x.js',\n)",
        "x(import(`./x.js`))",
        'import("./x.js", {with: {type: "json"}})',
        'const r = /["\'`]/; import("./x.js")',
        'const r = /[/"]\\/"/g\nimport "./x.js"',
        'return /`/.test(a) ? import("./x.js") : b',
        'const t = `a ${b} c`; import "./x.js"',
        'const t = `a ${ {b: `${import("./x.js")}`} } c`',
        "const t = `\\${`; import './x.js'",
        "a = b / c; d = '/'; import './x.js'",
        'const s = "it\\"s"; import "./x.js"',
        "// isn't\nimport './x.js'",
        "/* ` ' */ import './x.js'",
    ],
)
def test_an_import_in_any_form_is_found(statement: str) -> None:
    assert scan(statement).imports == ("./x.js",)


@pytest.mark.parametrize(
    "statement",
    [
        '// import "./x.js"',
        '/* import "./x.js" */',
        "const s = 'import \"./x.js\"'",
        'const t = `import "./x.js"`',
        'a.import("./x.js")',
        'reimport("./x.js")',
        "import(path)",
        "import(`./${name}.js`)",
        "import.meta.url",
        'const o = {import: "./x.js"}',
        'const r = /import "x"/',
        "export default {}",
        "/* never closed import './x.js'",
        "`never closed import './x.js'",
    ],
)
def test_what_only_looks_like_one_is_not(statement: str) -> None:
    assert scan(statement).imports == ()


def test_each_import_is_named_once_in_order() -> None:
    text = 'import "./b.js"; import a from "./a.js"; export * from "./b.js"'
    assert scan(text).imports == ("./b.js", "./a.js")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("export class App extends Container {}", {"App"}),
        ("export default class App {}", set()),
        ("class App {}\nexport { App, main as default };", {"App", "default"}),
        ("export{a as App,b as Other}", {"App", "Other"}),
        ('export {App} from "./app.js"', {"App"}),
        ('export * as all from "./app.js"', {"all"}),
        ("export const App = class {}", {"App"}),
        ("export let A, B", {"A"}),
        ("export const { A, B: C } = all;", {"A", "B", "C"}),
        ("export async function go() {}", {"go"}),
        ("export function* go() {}", {"go"}),
        ('export {\n  App, // "the" one\n  /* and */ Other\n}', {"App", "Other"}),
        ("export { a as 'b-c' }", {"b-c"}),
        ("export {}", set()),
        ("// export class App {}", set()),
        ('"export class App {}"', set()),
        ("module.exports = {App}", set()),
    ],
)
def test_exported_names(text: str, names: set[str]) -> None:
    assert scan(text).exports == names


def test_statements_without_semicolons_are_kept_apart() -> None:
    found = scan('export default foo\nexport { a }\nexport { b } from "./b.js"\nexport * from "./c.js"\n')
    assert found.exports == {"a", "b"}
    assert found.exports_all_of == ("./c.js",)
    assert found.imports == ("./b.js", "./c.js")


@given(st.text(alphabet="import export{}*from\"'`/\\$()\n,;as x./", max_size=300))
def test_no_text_is_too_strange(text: str) -> None:
    scan(text)


@pytest.mark.parametrize("text", ['"' + "a" * 1_000_000, "/*" * 500_000, "`${" * 100_000, "import " * 20_000])
@pytest.mark.timeout(20)
def test_long_and_broken_texts_take_no_long(text: str) -> None:
    scan(text)  # a quadratic scan would run into the timeout
