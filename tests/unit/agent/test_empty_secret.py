"""The stack creates the Qlik secret empty: what a run says until somebody has filled it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from qlikops.agent.config import AgentConfig
from qlikops.agent.wiring import Services
from qlikops.qlik.errors import QemMisconfigured

CONFIG = AgentConfig(table="t", bucket="b", topic_arn="topic", qlik_secret_arn="arn")
NO_VALUE = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"


def services(secrets: Any) -> Services:
    return Services(CONFIG, lambda _: secrets, clock=lambda: datetime.now(UTC))


@pytest.fixture
def secrets() -> Any:
    return boto3.client("secretsmanager", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")


def test_a_run_says_what_to_do_about_a_secret_that_nobody_filled(secrets: Any) -> None:
    with Stubber(secrets) as stub:
        stub.add_client_error("get_secret_value", "ResourceNotFoundException", NO_VALUE, 400)
        with pytest.raises(QemMisconfigured, match="deploy --rotate-secret --qlik-login"):
            services(secrets).instances()


def test_what_else_aws_says_of_it_is_not_taken_for_that(secrets: Any) -> None:
    with Stubber(secrets) as stub:
        stub.add_client_error("get_secret_value", "AccessDeniedException", "no", 400)
        with pytest.raises(ClientError, match="AccessDenied"):
            services(secrets).instances()
