"""Makes text from outside harmless on a terminal and in a CI log: what would be obeyed is written out instead.

Written out are control characters and bidirectional overrides (interface 7), and what a CI runner takes for a command.
"""

from __future__ import annotations

import re

# C0, DEL and C1 controls, line and paragraph separators, bidirectional controls, half characters that cannot be encoded.
_DANGEROUS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_NAMES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def harmless(text: str) -> str:
    """One line of text with everything dangerous written out (`\\x1b`). Doing it twice changes nothing more."""
    if not text.isprintable():
        text = _DANGEROUS.sub(_written_out, text)
    return unobeyed(text)


def unobeyed(line: str) -> str:
    """A line that no CI runner obeys: GitHub looks for `::` at its beginning, and for `##[` anywhere."""
    if "##" in line:
        line = line.replace("##[", "\\x23#[").replace("##vso[", "\\x23#vso[")
    if "::" in line and line.lstrip().startswith("::"):
        line = line.replace("::", "\\x3a:", 1)
    return line


def _written_out(found: re.Match[str]) -> str:
    sign = found[0]
    if sign in _NAMES:
        return _NAMES[sign]
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
