"""What the agent's tests share."""

from tests.embedded import embedded_aws as embedded_aws
