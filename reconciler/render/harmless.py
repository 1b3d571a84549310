"""Makes text from outside harmless on a terminal: control characters and bidirectional overrides are shown, not obeyed."""

from __future__ import annotations

import re

# C0, DEL and C1 controls, the line and paragraph separators, and the bidirectional controls (interface 7).
_DANGEROUS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """One line of text with everything dangerous written out (`\\x1b`), and no line that a CI runner would obey."""
    text = _DANGEROUS.sub(lambda found: _written_out(found[0]), text)
    if text.lstrip().startswith(("::", "##[")):
        return text.replace("::", ":\u200b:", 1).replace("##[", "##\u200b[", 1)
    return text


def _written_out(sign: str) -> str:
    code = ord(sign)
    if sign in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[sign]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
