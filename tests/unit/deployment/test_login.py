"""Where Qlik accounts are kept, and what a machine without a keyring does."""

from __future__ import annotations

import pytest

from qlikops.deployment.login import VARIABLES, Logins
from qlikops.domain.errors import NotFound, UsageError
from qlikops.keyrings import NoKeyring
from tests.fakes import FakeKeyring

URL = "https://qem.example.com/attunityenterprisemanager/api/v1"
ACCOUNT = {"name": "default", "base_url": URL, "username": "monitor", "password": "pw"}


def test_what_is_kept_comes_back_for_its_context_only() -> None:
    keyring = FakeKeyring()
    Logins(lambda: keyring, "prod", {}).save(ACCOUNT)
    assert Logins(lambda: keyring, "prod", {}).secret() == {"instances": [ACCOUNT]}
    assert Logins(lambda: keyring, "test", {}).instances() == []


def test_a_second_account_joins_the_first_and_a_token_takes_a_passwords_place() -> None:
    logins = Logins(FakeKeyring, "prod", {})
    logins.save(ACCOUNT)
    logins.save({"name": "default", "operator_username": "operator", "operator_password": "pw2"})
    assert logins.instances() == [{**ACCOUNT, "operator_username": "operator", "operator_password": "pw2"}]
    logins.save({"name": "default", "api_token": "t"})
    (instance,) = logins.instances()
    assert "password" not in instance
    logins.save({"name": "default", "password": "pw3"})
    (instance,) = logins.instances()
    assert "api_token" not in instance


def test_forgetting_one_or_all() -> None:
    keyring = FakeKeyring()
    logins = Logins(lambda: keyring, "prod", {})
    logins.save(ACCOUNT)
    logins.save({**ACCOUNT, "name": "second"})
    assert logins.remove("second") == ["second"]
    assert logins.remove() == ["default"]
    assert keyring.kept == {}
    with pytest.raises(NotFound):
        logins.remove()


def test_endpoints_from_the_file_win_and_need_an_account() -> None:
    logins = Logins(FakeKeyring, "prod", {})
    logins.save(ACCOUNT)
    (instance,) = logins.secret(({"base_url": "https://new.example.com/api/v1"},))["instances"]
    assert instance == {**ACCOUNT, "base_url": "https://new.example.com/api/v1"}
    with pytest.raises(UsageError, match="second") as caught:
        logins.secret(({"name": "second", "base_url": URL},))
    assert "qlikops login --instance second" in caught.value.hint


def test_nothing_known_says_what_to_do() -> None:
    with pytest.raises(UsageError) as caught:
        Logins(FakeKeyring, "prod", {}).secret()
    assert "qlikops login" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        Logins(lambda: None, "prod", {}).secret()
    assert "QLIKOPS_QLIK_PASSWORD" in caught.value.hint


def test_an_account_without_an_address_is_refused() -> None:
    logins = Logins(FakeKeyring, "prod", {})
    logins.save({"name": "default", "username": "u", "password": "p"})
    with pytest.raises(UsageError, match="no address"):
        logins.secret()


def test_without_a_keyring_the_environment_is_used_and_nothing_is_kept() -> None:
    environ = {VARIABLES["base_url"]: URL, VARIABLES["username"]: "monitor", VARIABLES["password"]: "pw"}
    logins = Logins(lambda: None, "prod", environ)
    assert logins.secret() == {"instances": [ACCOUNT]}
    with pytest.raises(NoKeyring) as caught:
        logins.save(ACCOUNT)
    assert "QLIKOPS_QLIK_URL" in caught.value.hint


def test_the_environment_wins_over_the_keyring() -> None:
    keyring = FakeKeyring()
    Logins(lambda: keyring, "prod", {}).save(ACCOUNT)
    (instance,) = Logins(lambda: keyring, "prod", {VARIABLES["password"]: "new"}).instances()
    assert instance == {**ACCOUNT, "password": "new"}
    # A user name alone is no account.
    assert Logins(lambda: None, "prod", {VARIABLES["username"]: "monitor"}).instances() == []
