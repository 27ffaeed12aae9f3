"""What the values say that travel between a front end and an environment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from qlikops.domain.ports import Approve, Credentials, Deny
from qlikops.domain.proposals.approval import Decision


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


def test_what_is_decided_holds_what_was_asked_for_and_says_nothing_of_who_and_when() -> None:
    approve = Approve("d", "back", via="tui", decision_id="1", option="reload", tasks=("orders",), checked=("Ask.",))
    assert approve.decision() == Decision(
        True, "1", reason="back", digest="d", via="tui", option="reload", tasks=("orders",), checked=("Ask.",)
    )
    deny = Deny("d", "no", timedelta(hours=1), decision_id="1")
    assert deny.decision() == Decision(False, "1", reason="no", digest="d", via="cli", snooze_seconds=3600)
    assert Deny("d", "no").decision().snooze_seconds == 0
