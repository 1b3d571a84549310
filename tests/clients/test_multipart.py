from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.clients.multipart import Part, encode


@given(st.lists(st.binary(max_size=50), max_size=4))
def test_contents_come_through_byte_for_byte(contents: list[bytes]) -> None:
    body, content_type = encode(
        [Part(f"m{n}", each, "application/wasm", f"m{n}") for n, each in enumerate(contents)]
    )
    boundary = content_type.partition("boundary=")[2].encode()
    pieces = body.split(b"--" + boundary)[1:-1]
    assert [piece.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for piece in pieces] == contents


def test_names_cannot_end_their_header() -> None:
    body, _ = encode([Part('a"\r\nX: y', b"1", "text/plain", "b")])
    assert b'form-data; name="a%22%0D%0AX: y"; filename="b"\r\nContent-Type: text/plain\r\n\r\n1\r\n' in body


def test_a_part_without_a_file_name_is_a_field() -> None:
    body, _ = encode([Part("metadata", b"{}", "application/json")])
    assert b'name="metadata"\r\n' in body


def test_contents_stay_out_of_the_repr() -> None:
    assert "hunter2" not in repr(Part("a", b"hunter2", "text/plain"))
