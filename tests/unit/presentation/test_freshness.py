"""What is said of data that is not live, and of credentials that end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.errors import AccessDenied, ClockProblem, CredentialsProblem, Offline, Throttled, TlsProblem
from qlikops.domain.ports import Credentials, Waiting
from qlikops.presentation.freshness import Freshness, together
from qlikops.presentation.tone import plain
from tests.unit.presentation.samples import NOW


def test_what_is_waited_for_is_named_with_how_long() -> None:
    asked = Freshness(asked_at=NOW - timedelta(seconds=12))
    assert plain(asked.words(NOW)) == "connecting … 12s"
    assert plain(Freshness(asked_at=NOW).words(NOW)) == plain(Freshness().words(NOW)) == "connecting …"
    signing_in = replace(asked, waits_for=Waiting("credential_process of the profile work", NOW - timedelta(seconds=9)))
    said = "waiting for credential_process of the profile work, 9s"
    assert plain(signing_in.words(NOW)) == said
    assert signing_in.locked_because(NOW) == f"the data is not live ({said})"
    # Live data is no less live while keys are renewed.
    assert plain(replace(signing_in, loaded_at=NOW).words(NOW)) == "live, 0s old"


def test_no_two_look_or_read_alike() -> None:
    each = [Freshness(NOW - timedelta(seconds=31))]
    each += [Freshness(NOW, kind("x")) for kind in (Offline, Throttled, CredentialsProblem, TlsProblem, ClockProblem)]
    each += [Freshness(NOW, error) for error in (AccessDenied("x"), ValueError("x"))]
    said = [plain(one.words(NOW)).split() for one in each]
    assert len({words[0] for words in said}) == len({words[1] for words in said}) == len(each)


@pytest.mark.parametrize(("seconds", "is_live"), [(0, True), (8, True), (11, False), (24, False), (3600, False)])
def test_what_a_network_that_swallows_everything_left_behind_is_not_live(seconds: float, is_live: bool) -> None:
    freshness = Freshness(NOW - timedelta(seconds=seconds))
    assert ("live" in plain(freshness.words(NOW))) is is_live
    assert bool(freshness.locked_because(NOW)) is not is_live
    assert "no answer since" in plain(freshness.trouble("prod", NOW)) or is_live


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(16, ""), (15, "credentials expire in 15m"), (0, "credentials have expired"), (-5, "have expired")],
)
def test_an_expiry_is_said_a_quarter_of_an_hour_before(minutes: int, said: str) -> None:
    credentials = Credentials(NOW + timedelta(minutes=minutes), ("aws", "sso", "login"))
    freshness = Freshness(NOW, credentials=credentials)
    line = plain(freshness.trouble("prod", NOW))
    assert (said in line, bool(line)) == (True, bool(said))
    assert freshness.wants_sign_in(NOW) is bool(said)
    assert not freshness.locked_because(NOW)


def test_what_to_do_comes_before_the_error_that_may_be_cut_off() -> None:
    credentials = Credentials(login=("aws", "sso", "login", "--profile", "p\x1b[31m"))
    line = plain(Freshness(NOW, CredentialsProblem("x" * 300), credentials=credentials).trouble("prod", NOW))
    assert line.startswith("◆ prod CREDENTIALS, 0s old: sign in with `aws sso login --profile p`. xxx")


def test_over_several_the_worst_is_named_and_the_oldest_counts() -> None:
    live, old = Freshness(NOW), Freshness(NOW - timedelta(seconds=9))
    failed = Freshness(NOW, Offline("x"))
    assert plain(together({"a": live, "b": old}, NOW)) == "live, 9s old"
    assert plain(together({"a": live, "b": Freshness()}, NOW)) == "connecting … 1 of 2"
    assert plain(together({"a": live, "b": failed}, NOW)) == "✗ b OFFLINE, 0s old, locked there"
    assert plain(together({"a": failed, "b": failed}, NOW)).startswith("▲ 2 of 2 contexts are not live")
