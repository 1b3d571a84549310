from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.clients.scrubber import Scrubber, scrubbed_errors
from reconciler.errors import ReconcilerError

SECRETS = [
    "hunter2hunter2",
    "p@ss/w0rd+=&?",
    'it\'s "quoted" \\ $HOME `x`',
    "größe-ключ-鍵-🔑",
    "line one of it\nline two of it\nline three",
    "tab\tand\x7fcontrol",
    "  padded value  ",
    "8charsss",
]
FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, URL": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "basic auth": lambda text: base64.b64encode(f"v1:{text}".encode()).decode(),
    "url": quote,
    "url, whole": lambda text: quote(text, safe=""),
    "url, plus": quote_plus,
    "url, lower": lambda text: (
        urlencode({"k": text}).lower() if text.isascii() and text.islower() else quote(text)
    ),
    "json": json.dumps,
    "json, plain": lambda text: json.dumps(text, ensure_ascii=False),
    "json in json": lambda text: json.dumps(json.dumps({"error": text})),
    "shell": shlex.quote,
    "repr": repr,
    "html": html.escape,
    "reversed": lambda text: text[::-1],
    "lines reversed": lambda text: "\n".join(reversed(text.splitlines())),
    "one line": lambda text: " ".join(text.split()),
    "hex": lambda text: text.encode().hex(),
    "carriage returns": lambda text: text.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", SECRETS)
def test_no_form_of_a_secret_stays(form: str, secret: str) -> None:
    scrubber = Scrubber()
    scrubber.add(secret)
    written = FORMS[form](secret)
    shown = scrubber(f"before {written} after")
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert "(sensitive)" in shown
    # Of base64 inside a longer text, one character at each end belongs to its neighbours too.
    assert max(_common(shown, written), default=0) < max(6, len(written) // 2)


def _common(shown: str, written: str) -> list[int]:
    left = shown.replace("(sensitive)", " ").removeprefix("before ").removesuffix(" after").split()
    return [len(word) for word in left if word in written]


def test_a_line_of_a_key_is_a_secret_too() -> None:
    scrubber = Scrubber()
    scrubber.add("-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n")
    assert scrubber("got hkiG9w0BAQEFAASC from it") == "got (sensitive) from it"


def test_short_values_and_short_lines_leave_words_alone() -> None:
    scrubber = Scrubber()
    for value in ("", "  ", "a", "abc", "long enough to hide\nend"):
        scrubber.add(value)
    assert scrubber("a b abc end") == "a b abc end"


def test_the_longest_value_is_taken_out_first() -> None:
    scrubber = Scrubber()
    scrubber.add("secret12")
    scrubber.add("secret1234567890")
    assert scrubber("secret1234567890") == "(sensitive)"


def test_nothing_known_changes_nothing() -> None:
    assert Scrubber()("anything") == "anything"


def test_it_prints_nothing_of_what_it_holds() -> None:
    scrubber = Scrubber()
    scrubber.add("hunter2hunter2")
    assert "hunter" not in repr(scrubber)


@given(st.text(min_size=8, max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_raw_values_never_stay(secret: str, before: str, after: str) -> None:
    scrubber = Scrubber()
    scrubber.add(secret)
    if len(secret.strip()) >= 4 and secret.strip() not in "(sensitive)":
        assert secret not in scrubber(f"{before} | {secret} | {after}")


def fail() -> None:
    cause = ValueError("sent hunter2hunter2", 7)
    raise ReconcilerError("said hunter2hunter2", fix="no hunter2hunter2") from cause


def test_what_is_raised_is_scrubbed_with_its_causes() -> None:
    scrubber = Scrubber()
    scrubber.add("hunter2hunter2")
    with pytest.raises(ReconcilerError) as raised, scrubbed_errors(scrubber):
        fail()
    assert str(raised.value) == "said (sensitive); no (sensitive)"
    assert raised.value.args == ("said (sensitive)",)
    assert raised.value.__cause__ is not None
    assert raised.value.__cause__.args == ("sent (sensitive)", 7)
