from __future__ import annotations

import difflib

import pytest

from reconciler.errors import ReconcilerError
from reconciler.manifest.edit import with_text_at

PATH = ("environments", "production", "images", "api", "digest")
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64

BLOCK = """\
version: 1   # the first

environments:
  # where we look
  staging: {}
  production:   # careful
    protect: true   # kept
    # a comment at the end

images:
  api: {image: "a:1"}
"""


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "+-"]


def test_missing_levels_are_put_in_with_the_indentation_around_them() -> None:
    assert changed_lines(BLOCK, with_text_at(BLOCK, PATH, NEW)) == [
        "+     images:",
        "+       api:",
        f"+         digest: {NEW}",
    ]


def test_once_the_block_is_there_one_line_changes() -> None:
    first = with_text_at(BLOCK, PATH, OLD)
    assert changed_lines(first, with_text_at(first, PATH, NEW)) == [
        f"-         digest: {OLD}",
        f"+         digest: {NEW}",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "environments: {staging: {}, production: {protect: true}}  # short\n",
            f'environments: {{staging: {{}}, production: {{protect: true, images: {{api: {{digest: "{NEW}"}}}}}}}}  # short\n',
        ),
        (
            "environments: {production: {}}\n",
            f'environments: {{production: {{images: {{api: {{digest: "{NEW}"}}}}}}}}\n',
        ),
        (
            "environments:\n  production: {}\n",
            f'environments:\n  production: {{images: {{api: {{digest: "{NEW}"}}}}}}\n',
        ),
        (
            "environments:\n    production:\n    staging: {}\n",
            (
                "environments:\n    production:\n        images:\n            api:\n"
                f"                digest: {NEW}\n    staging: {{}}\n"
            ),
        ),
        (
            "environments:\n  production: # soon\n",
            f"environments:\n  production: # soon\n    images:\n      api:\n        digest: {NEW}\n",
        ),
        (
            "environments:\n  production: null\n",
            f'environments:\n  production: {{images: {{api: {{digest: "{NEW}"}}}}}}\n',
        ),
        ("environments: {production: }\n", None),
        (
            "environments:\n  production: {images: {api: {tags: [x:y]}, web: {image: redis:7.4}}}\n",
            f'environments:\n  production: {{images: {{api: {{tags: [x:y], digest: "{NEW}"}}, web: {{image: redis:7.4}}}}}}\n',
        ),
        (
            f"environments:\n  production:\n    images:\n      api:\n        digest: '{OLD}'  # by hand\n",
            f"environments:\n  production:\n    images:\n      api:\n        digest: '{NEW}'  # by hand\n",
        ),
        (
            f"environments: {{production: {{images: {{api: {{digest: {OLD}}}}}}}}}\n",
            f'environments: {{production: {{images: {{api: {{digest: "{NEW}"}}}}}}}}\n',
        ),
        (
            "environments:\r\n  production:\r\n    note: |\r\n      two\r\n      lines\r\nversion: 1\r\n",
            (
                "environments:\r\n  production:\r\n    note: |\r\n      two\r\n      lines\r\n    images:\r\n"
                f"      api:\r\n        digest: {NEW}\r\nversion: 1\r\n"
            ),
        ),
        (
            "environments:\n  production:\n    images:\n      web: {x: ü🙂}",
            f"environments:\n  production:\n    images:\n      web: {{x: ü🙂}}\n      api:\n        digest: {NEW}\n",
        ),
        (
            "environments:\n  production:\n    applications:\n      api:\n      - a\n      - b # last\n\n\nimages: {}\n",
            (
                "environments:\n  production:\n    applications:\n      api:\n      - a\n      - b # last\n    images:\n"
                f"      api:\n        digest: {NEW}\n\n\nimages: {{}}\n"
            ),
        ),
        ("environments: {production: {protect: true,  # yes\n  }}\n", None),
    ],
)
def test_every_layout_is_kept(before: str, after: str | None) -> None:
    edited = with_text_at(before, PATH, NEW)
    assert NEW in edited
    assert after is None or edited == after
    again = with_text_at(edited, PATH, OLD)
    assert again == edited.replace(NEW, OLD)


@pytest.mark.parametrize(
    "text",
    [
        "environments:\n  staging: &base {images: {web: {tags: [a]}}}\n  production: *base\n",
        "x: &base\n  images: {web: {tags: [a]}}\nenvironments:\n  production:\n    <<: *base\n",
        "environments:\n  production: &shared\n    protect: true\n  other: *shared\n",
        "environments:\n  production:\n    images: [a]\n",
        "environments:\n  production: text\n",
        "environments:\n  production:\n    images: {api: {digest: {a: 1}}}\n",
    ],
)
def test_an_edit_that_would_change_more_is_refused(text: str) -> None:
    with pytest.raises(ReconcilerError, match=r"write it by hand: environments: \{production"):
        with_text_at(text, PATH, NEW)
