"""Addresses that people write: taken apart, or refused without quoting the password in one."""

from __future__ import annotations

import pytest

from qlikops.domain.words.address import http_address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("http://em.example.com", "em.example.com", None),
        ("https://em.example.com:8443/attunityenterprisemanager", "em.example.com", 8443),
        ("http://[::1]:4566", "::1", 4566),
        ("https://überwachung.example", "überwachung.example", None),
    ],
)
def test_an_address_is_taken_apart(text: str, host: str, port: int | None) -> None:
    parts = http_address(text)
    assert (parts.hostname, parts.port) == (host, port)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://a:hunter2@em example", "no blanks"),
        ("https://a:hunter2@em\x1b[31m", "no control characters"),
        ("ftp://a:hunter2@em", "begins with http"),
        ("a:hunter2@em", "begins with http"),
        ("https://a:hunter2@", "names a host"),
        ("https://a:hunter2@em:0", "from 1 to 65535"),
        ("https://a:hunter2@em:65536", "from 1 to 65535"),
        ("https://a:hunter2@em..example", "label"),
        (f"https://a:hunter2@{'e' * 64}.example", "label"),
    ],
)
def test_what_is_none_is_said_without_the_password(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        http_address(text)
    assert "hunter2" not in str(caught.value)
