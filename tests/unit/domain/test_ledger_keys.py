from __future__ import annotations

from qlikops.domain.ledger import task_partition
from qlikops.domain.task import TaskKey


def test_ordinary_names_stay_readable() -> None:
    assert task_partition(TaskKey("default", "replicate eu-1", "sales")) == "TASK#default/replicate eu-1/sales"


def test_names_with_slashes_never_share_a_partition() -> None:
    one = task_partition(TaskKey("default", "a/b", "c"))
    other = task_partition(TaskKey("default", "a", "b/c"))

    assert one != other
