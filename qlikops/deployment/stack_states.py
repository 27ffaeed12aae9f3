"""The states from which a stack can be changed, and the way out of the others."""

from __future__ import annotations

from qlikops.deployment.errors import DeploymentError

SUCCEEDED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
DELETED = "DELETE_COMPLETE"
IN_REVIEW = "REVIEW_IN_PROGRESS"
"""A change set that would create the stack exists, or existed: the stack has nothing in it."""

_UPDATABLE = SUCCEEDED | {IN_REVIEW, "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
_WAYS_OUT = {
    "UPDATE_ROLLBACK_FAILED": "Put right what the events name, then `aws cloudformation continue-update-rollback "
    "--stack-name {name}`, then deploy again.",
    "UPDATE_FAILED": "`aws cloudformation rollback-stack --stack-name {name}` takes it back to where it worked.",
    "DELETE_FAILED": "`qlikops destroy` takes the deletion up again.",
    "IMPORT_ROLLBACK_FAILED": "An import of resources was not taken back. Its events name what is in the way.",
    **dict.fromkeys(
        ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"),
        "Its creation failed. `qlikops destroy` removes what is left of it, then deploy again.",
    ),
}
_NOT_KNOWN = (
    "This version of qlikops does not know that status, and changes nothing. `aws cloudformation "
    "describe-stack-events --stack-name {name}` says how the stack came to it."
)


def refuse_unfit(name: str, status: str) -> None:
    """Raises DeploymentError, with what to do, where no change can start from `status`."""
    if status in _UPDATABLE:
        return
    if status.endswith("_IN_PROGRESS"):
        raise DeploymentError(
            f"{name} is being changed right now ({status})", "`qlikops deploy --follow` shows it to its end."
        )
    raise DeploymentError(f"{name} cannot be updated ({status})", _WAYS_OUT.get(status, _NOT_KNOWN).format(name=name))
