"""Spam, told by headers, links and repetition: never by language and never by words, which are the resident's own.

What is told as spam goes into a folder that people see; nothing is deleted. A mail in which the tripwire finds
something is never set aside, whatever is found here: that is for who calls to see to.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from triage.channels.email import Mail

SET_ASIDE_FROM: Final = 3  # weights that add up to it; one sign alone is never enough but a filter's own word
MAX_SAME_TEXT: Final = 5  # the same text from as many other senders
MAX_FROM_SENDER: Final = 20  # mails of a sender in an hour
MAX_HOSTS: Final = 6  # different sites that one mail links to
LEAST_REPEATED: Final = 40  # characters; shorter texts are alike by chance
_SHORTENERS: Final = frozenset(
    ("bit.ly", "tinyurl.com", "t.co", "goo.gl", "is.gd", "ow.ly", "cutt.ly", "rb.gy", "shorturl.at")
)
# Mail filters put their own site before every link, to look at where it leads when it is opened.
_REWRITERS: Final = (
    ".safelinks.protection.outlook.com",
    ".safelinks.protection.office365.us",
    ".urldefense.com",
    ".urldefense.us",
    ".urldefense.proofpoint.com",
    ".linkprotect.cudasvc.com",
    ".secure-web.cisco.com",
    ".mimecast.com",
    ".mimecastprotect.com",
    ".clicktime.symantec.com",
    ".protection.sophos.com",
    ".url.emailprotection.link",
)
_SHOWN_HOST: Final = re.compile(r"^(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?:[/:?#]|$)", re.IGNORECASE)
_FAILED: Final = re.compile(r"\b(spf|dkim|dmarc)=(?:fail|permerror)\b", re.IGNORECASE)
_LEVEL: Final = re.compile(r"-?\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """How often the like has come, counted by whoever keeps it."""

    same_text_other_senders: int = 0
    from_sender_in_hour: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpamVerdict:
    """Whether a mail is set aside, and each sign with its weight."""

    is_spam: bool
    signs: tuple[tuple[str, int], ...] = ()


def judged(mail: Mail, repetition: Repetition | None = None, *, own_addresses: Collection[str] = ()) -> SpamVerdict:
    """Return whether a mail is spam.

    Args:
        mail: As it was read; its text is not looked at.
        repetition: What is known of the like; nothing where None.
        own_addresses: Every address that this service reads or sends from: a web form of the same domain sends what
            many residents write, and floods nothing.
    """
    seen = repetition or Repetition()
    if _is_of_city(mail.sender, own_addresses):
        seen = replace(seen, from_sender_in_hour=0)
    signs = (*_header_signs(mail), *_link_signs(mail), *_repetition_signs(seen))
    return SpamVerdict(is_spam=sum(weight for _, weight in signs) >= SET_ASIDE_FROM, signs=signs)


def text_digest(mail: Mail) -> str | None:
    """Return what the same text has in common, whatever its spacing, case and digits; None for a short one."""
    text = unicodedata.normalize("NFKC", mail.message.text).casefold()
    plain = re.sub(r"[\d\W_]+", "", text)
    return sha256(plain.encode("utf-8", "replace")).hexdigest() if len(plain) >= LEAST_REPEATED else None


def _header_signs(mail: Mail) -> tuple[tuple[str, int], ...]:
    failed = {
        found.lower()
        for value in mail.headers.get("authentication-results", ())[:1]
        for found in _FAILED.findall(value)
    }
    told = (
        (_filter_says_spam(mail), "the mail server's filter says so", SET_ASIDE_FROM),
        ("dmarc" in failed, "the sender's domain disowns it (DMARC)", 2),
        ({"spf", "dkim"} <= failed, "neither server nor signature is the sender's (SPF, DKIM)", 1),
        (_shows_other_address(mail), "the sender's name shows another address", 2),
        (not mail.sender, "it names no sender", 1),
        (len(mail.headers.get("from", ())) > 1, "it names several senders", 1),
    )
    return tuple((sign, weight) for holds, sign, weight in told if holds)


def _filter_says_spam(mail: Mail) -> bool:
    level = _LEVEL.match(mail.header("x-ms-exchange-organization-scl"))
    return (
        mail.header("x-spam-flag").lower().startswith("yes")
        or mail.header("x-spam-status").lower().startswith("yes")
        or (level is not None and int(level[0]) >= 5)
    )


def _shows_other_address(mail: Mail) -> bool:
    shown = re.search(r"@([\w.-]+\.\w+)", mail.sender_name)
    return shown is not None and not _is_same_site(shown[1].lower(), mail.sender.rpartition("@")[2])


def _link_signs(mail: Mail) -> tuple[tuple[str, int], ...]:
    hosts = {host for address, _ in mail.links if (host := _host(address))}
    told = (
        (any(_misleads(address, shown) for address, shown in mail.links), "a link shows another site than it opens", 2),
        (any(_is_number(host) for host in hosts), "a link opens a bare network address", 2),
        (any("xn--" in host for host in hosts), "a link opens a site in look-alike letters", 1),
        (bool(hosts & _SHORTENERS), "a link hides where it leads", 1),
        (len(hosts) > MAX_HOSTS, f"it links to more than {MAX_HOSTS} sites", 1),
    )
    return tuple((sign, weight) for holds, sign, weight in told if holds)


def _repetition_signs(seen: Repetition) -> tuple[tuple[str, int], ...]:
    told = (
        (seen.same_text_other_senders >= MAX_SAME_TEXT, "the same text came from many senders", 1),
        (seen.from_sender_in_hour > MAX_FROM_SENDER, "its sender floods the mailbox", 2),
    )
    return tuple((sign, weight) for holds, sign, weight in told if holds)


def _is_of_city(sender: str, own_addresses: Collection[str]) -> bool:
    domain = sender.rpartition("@")[2]
    own = {address.lower().rpartition("@")[2] for address in own_addresses}
    return any(domain == each or domain.endswith(f".{each}") for each in own)


def _misleads(address: str, shown: str) -> bool:
    named = _SHOWN_HOST.match(shown.strip())
    host = _host(address)
    if named is None or not host or f".{host}".endswith(_REWRITERS):
        return False
    return not _is_same_site(named[1].lower(), host)


def _is_same_site(one: str, other: str) -> bool:
    return one.split(".")[-2:] == other.split(".")[-2:]


def _host(address: str) -> str:
    try:
        parts = urlsplit(address)
        return (parts.hostname or "").lower() if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.isdecimal()
    return True
