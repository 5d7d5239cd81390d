"""Who may do what: roles, permissions, and the actor every write names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aa_tui.backend.support.errors import Forbidden


class Permission(StrEnum):
    """What an action needs; the text is what a refusal names."""

    READ = "Read"
    IMPORT = "Import Data"
    SAVE_VIEWS = "Save Views"
    REVIEW = "Review"
    MANAGE_DATASETS = "Manage Datasets"
    MANAGE_INACTIVE_EVALS = "Manage Inactive Evals and Runs"
    ACTIVATE_EVALS = "Activate Evals"
    ADMINISTER = "Administer Project"


_MEMBER = frozenset(
    {
        Permission.READ,
        Permission.IMPORT,
        Permission.SAVE_VIEWS,
        Permission.REVIEW,
        Permission.MANAGE_DATASETS,
        Permission.MANAGE_INACTIVE_EVALS,
    }
)
ROLES: dict[str, frozenset[Permission]] = {
    "viewer": frozenset({Permission.READ}),
    "member": _MEMBER,
    "manager": _MEMBER | {Permission.ACTIVATE_EVALS},
    "admin": frozenset(Permission),
}
"""Permissions by role (spec section 18)."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a login name or a token's name, with its role in the project."""

    name: str
    role: str = "admin"

    def lacks(self, permission: Permission) -> str | None:
        """Return in words that the actor's role has not the permission, or None where it has."""
        if permission in ROLES.get(self.role, frozenset()):
            return None
        return f"{self.name} ({self.role}) lacks the permission “{permission.value}”"

    def require(self, permission: Permission) -> None:
        """Raise `Forbidden`, naming the permission, unless the actor's role has it."""
        missing = self.lacks(permission)
        if missing is not None:
            raise Forbidden(f"{missing}.", "An admin of the project can change roles.")
