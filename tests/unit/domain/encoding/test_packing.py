"""What lies packed in the bucket, and what lay there plain before."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.domain.encoding.codec import CodecError
from qlikops.domain.encoding.packing import ENCODING, packed, unpacked


@given(st.text())
def test_what_was_packed_or_written_plain_is_read(text: str) -> None:
    assert unpacked(packed(text)) == text
    assert unpacked(text.encode()) == text


def test_the_same_text_is_the_same_bytes_and_the_encoding_is_what_it_says() -> None:
    assert packed("fleet") == packed("fleet")
    assert ENCODING == "gzip"
    assert gzip.decompress(packed("fleet")) == b"fleet"


@pytest.mark.parametrize("spoil", [lambda body: body[:-4], lambda body: body[:12] + b"\xff\xff" + body[14:]])
def test_what_is_broken_is_said_to_be(spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(CodecError, match="cannot be unpacked"):
        unpacked(spoil(packed("fleet " * 9)))


def test_bytes_that_are_no_text_become_one_that_no_decoder_takes_for_json() -> None:
    assert unpacked(b"{\xff}") == "{\ufffd}"
