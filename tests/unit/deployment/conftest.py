"""The embedded AWS for what only a real CloudFormation, S3 and Scheduler can show."""

from tests.embedded import embedded_aws as embedded_aws
