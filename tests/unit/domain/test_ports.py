"""What the values say that travel between a front end and an environment."""

from __future__ import annotations

import pytest

from qlikops.domain.ports import Credentials


@pytest.mark.parametrize(
    ("credentials", "can_sign_in"),
    [
        (Credentials(), False),
        (Credentials(advice="Ask who gave you the keys."), False),
        (Credentials(login=("aws", "sso", "login")), True),
        (Credentials(in_terminal=True), True),
    ],
)
def test_signing_in_takes_a_command_or_a_program_of_the_environments_own(
    credentials: Credentials, can_sign_in: bool
) -> None:
    assert credentials.can_sign_in is can_sign_in
