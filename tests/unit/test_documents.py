from __future__ import annotations

import pytest

from tests.documents import DOCS, PAGES, SCHEMA, schema_text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_the_code_is_current(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "make docs"


def test_the_schema_of_the_deployment_file_is_current() -> None:
    assert SCHEMA.read_text() == schema_text(), "make docs"
