"""ETag and If-Match: a change is made on the version that was seen (RFC 9110, section 13; RFC 6585 for 428)."""

import re
from typing import Annotated

from fastapi import Depends, Header

from triage.errors import DecisionConflict, PreconditionRequired, RequestRejected
from triage.store import StoredContact

_ETAG = re.compile(r'"(\d{1,9})"')


def etag_of(version: int) -> str:
    """Return the entity tag of a contact at a version."""
    return f'"{version}"'


class SeenVersion:
    """The version that a change is made on, as `If-Match` names it."""

    def __init__(self, version: int | None) -> None:
        self._version = version

    def of(self, contact: StoredContact) -> int:
        """Return the version to decide on; the one that stands where the request takes any.

        Raises:
            DecisionConflict: If the contact has never had that version.
        """
        if self._version is None:
            return contact.version
        if self._version > contact.version:
            raise DecisionConflict(
                f"the contact is at version {contact.version}, not {self._version}: read it again, then decide"
            )
        return self._version


def seen_version(
    if_match: Annotated[
        str | None,
        Header(
            description='The ETag of the contact that was seen, such as `"3"`; `*` takes whatever stands. Decisions '
            "that the policy has made since do not stand in the way; a person's do.",
            examples=['"3"'],
        ),
    ] = None,
) -> SeenVersion:
    """Return what `If-Match` says.

    Raises:
        PreconditionRequired: If it is missing.
        RequestRejected: If it is no entity tag of a contact.
    """
    if if_match is None:
        raise PreconditionRequired("send If-Match with the contact's ETag, so that nobody's decision is overwritten")
    if if_match.strip() == "*":
        return SeenVersion(None)
    tag = _ETAG.fullmatch(if_match.strip())
    if tag is None:
        raise RequestRejected('If-Match must be one ETag of the contact, such as "3", or *')
    return SeenVersion(int(tag[1]))


Seen = Annotated[SeenVersion, Depends(seen_version)]
