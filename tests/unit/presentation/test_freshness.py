"""What is said of data that is not live, and of credentials that end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.errors import AccessDenied, ClockProblem, CredentialsProblem, Offline, Throttled, TlsProblem
from qlikops.domain.ports import Awaited, Credentials
from qlikops.presentation.freshness import DataAge, Trust, together
from qlikops.presentation.tone import plain
from tests.unit.presentation.samples import NOW


def test_what_is_waited_for_is_named_with_how_long() -> None:
    asked = DataAge(asked_at=NOW - timedelta(seconds=12))
    assert plain(asked.words(NOW)) == "connecting … 12s"
    assert plain(DataAge(asked_at=NOW).words(NOW)) == plain(DataAge().words(NOW)) == "connecting …"
    signing_in = replace(asked, waits_for=Awaited("credential_process of the profile work", NOW - timedelta(seconds=9)))
    said = "waiting for credential_process of the profile work, 9s"
    assert plain(signing_in.words(NOW)) == said
    assert signing_in.locked_because(NOW) == f"the data is not live ({said})"
    # Live data is no less live while keys are renewed.
    assert plain(replace(signing_in, loaded_at=NOW).words(NOW)) == "live, 0s old"


def test_no_two_look_or_read_alike() -> None:
    each = [DataAge(NOW - timedelta(seconds=31))]
    each += [DataAge(NOW, kind("x")) for kind in (Offline, Throttled, CredentialsProblem, TlsProblem, ClockProblem)]
    each += [DataAge(NOW, error) for error in (AccessDenied("x"), ValueError("x"))]
    said = [plain(one.words(NOW)).split() for one in each]
    assert len({words[0] for words in said}) == len({words[1] for words in said}) == len(each)


@pytest.mark.parametrize(("seconds", "is_live"), [(0, True), (8, True), (11, False), (24, False), (3600, False)])
def test_what_a_network_that_swallows_everything_left_behind_is_not_live(seconds: float, is_live: bool) -> None:
    freshness = DataAge(NOW - timedelta(seconds=seconds))
    assert ("live" in plain(freshness.words(NOW))) is is_live
    assert bool(freshness.locked_because(NOW)) is not is_live
    assert "no answer since" in plain(freshness.trouble(NOW)) or is_live


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(16, ""), (15, "credentials expire in 15m"), (0, "credentials have expired"), (-5, "have expired")],
)
def test_an_expiry_is_said_a_quarter_of_an_hour_before(minutes: int, said: str) -> None:
    credentials = Credentials(NOW + timedelta(minutes=minutes), ("aws", "sso", "login"))
    freshness = DataAge(NOW, credentials=credentials)
    line = plain(freshness.trouble(NOW))
    assert (said in line, bool(line)) == (True, bool(said))
    assert freshness.wants_sign_in(NOW) is bool(said)
    assert not freshness.locked_because(NOW)


def test_what_to_do_comes_before_the_error_that_may_be_cut_off() -> None:
    credentials = Credentials(login=("aws", "sso", "login", "--profile", "p\x1b[31m"))
    line = plain(DataAge(NOW, CredentialsProblem("x" * 300), credentials=credentials).trouble(NOW, "prod"))
    assert line.startswith("◆ prod CREDENTIALS, 0s old, locked: sign in with `aws sso login --profile p`. xxx")


def test_of_several_the_oldest_counts() -> None:
    live, old = DataAge(NOW), DataAge(NOW - timedelta(seconds=9))
    assert plain(together([live, old], NOW)) == "live, 9s old"
    assert plain(together([live, DataAge()], NOW)) == "connecting … 1 of 2"


@pytest.mark.parametrize(
    ("freshness", "trust"),
    [
        (DataAge(), Trust.CONNECTING),
        (DataAge(NOW), Trust.LIVE),
        (DataAge(NOW - timedelta(seconds=31)), Trust.STALE),
        (DataAge(NOW, Offline("x")), Trust.OFFLINE),
        (DataAge(NOW, Throttled("x")), Trust.THROTTLED),
        (DataAge(NOW, ValueError("x")), Trust.FAILED),
    ],
)
def test_only_live_data_can_be_decided_on(freshness: DataAge, trust: Trust) -> None:
    assert freshness.trust(NOW) is trust
    assert bool(freshness.locked_because(NOW)) is (trust is not Trust.LIVE)


SIGN_IN = Credentials(login=("aws", "sso", "login"))


@pytest.mark.parametrize(
    ("freshness", "remedy"),
    [
        (DataAge(NOW), ""),
        (DataAge(NOW - timedelta(seconds=31)), "no answer since; still asking"),
        (DataAge(NOW, Offline("x")), "it recovers by itself once the network is back"),
        (DataAge(NOW, Offline("x", "Start the VPN.")), "Start the VPN"),
        (DataAge(NOW, Throttled("x")), "AWS asked for fewer calls; it passes by itself, asking again"),
        (
            DataAge(NOW, Throttled("x"), NOW + timedelta(seconds=8)),
            "AWS asked for fewer calls; it passes by itself, asking again in 8s",
        ),
        (DataAge(NOW, CredentialsProblem("x"), credentials=SIGN_IN), "sign in with `aws sso login`"),
        (
            DataAge(NOW, CredentialsProblem("x"), credentials=Credentials(advice="Ask who gave you the keys.")),
            "Ask who gave you the keys",
        ),
        (DataAge(NOW, CredentialsProblem("x")), "Sign in again, such as with `aws sso login`"),
        (DataAge(NOW, AccessDenied("x")), "Ask for the permission or use another profile"),
    ],
)
def test_what_to_do_is_a_clause(freshness: DataAge, remedy: str) -> None:
    assert freshness.remedy(NOW) == remedy


def test_in_full_the_error_comes_first_and_then_what_to_do() -> None:
    assert DataAge(NOW).explanation(NOW) == ""
    said = DataAge(NOW, CredentialsProblem("The token has expired."), credentials=SIGN_IN).explanation(NOW)
    assert said == "Credentials: The token has expired. Sign in with `aws sso login`."


def test_who_cannot_sign_in_is_told_how_beside_the_lock() -> None:
    locked = DataAge(NOW, CredentialsProblem("x"), credentials=SIGN_IN).locked_because(NOW)
    assert locked == "the data is not live (CREDENTIALS); sign in with `aws sso login`"


def test_without_data_there_is_no_age_and_while_connecting_no_trouble() -> None:
    assert DataAge().age(NOW) == "no data yet"
    assert DataAge().trouble(NOW) == ()
