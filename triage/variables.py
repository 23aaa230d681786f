"""Reads settings out of named variables; what is wrong with them is gathered and said at once."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from triage.access import Role
from triage.errors import SettingsError


def absolute(value: str) -> Path:
    """Return the absolute path; `~` is the home folder, and itself where there is none."""
    return Path(os.path.expanduser(value)).absolute()


class VariableReader:
    """Reads variables and gathers what is wrong with them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._problems: list[str] = []

    def text(self, name: str) -> str | None:
        return self._env.get(name, "").strip() or None

    def existing(self, name: str) -> Path | None:
        value = self.text(name)
        if value is None:
            return None
        path = absolute(value)
        if not path.exists():
            self._problems.append(f"{name} must name a file or folder that exists, got {value!r}")
        return path

    def number(self, name: str, default: float, low: float, high: float, *, whole: bool = False) -> float:
        value = self.text(name)
        if value is None:
            return default
        try:
            number = int(value) if whole else float(value)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            kind = "a whole number" if whole else "a number"
            self._problems.append(f"{name} must be {kind} in [{low:g}, {high:g}], got {value!r}")
            return default
        return number

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name) or default
        if value not in choices:
            self._problems.append(f"{name} must be one of {', '.join(choices)}, got {value!r}")
        return value

    def rate(self, name: str, default: str) -> str:
        value = self.text(name) or default
        if not re.fullmatch(r"[1-9]\d{0,8}/(second|minute|hour|day)", value):
            self._problems.append(f"{name} must be a number and a span, such as {default}, got {value!r}")
        return value

    def url(self, name: str) -> str | None:
        """Return a URL without a slash at its end; in clear only where it stays on this machine."""
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(r"https://[^\s/]+\S*|http://(localhost|127\.0\.0\.1|\[::1\])([:/]\S*)?", value):
            self._problems.append(f"{name} must be an https:// URL, or http:// on loopback, got {value!r}")
        return value.rstrip("/")

    def origins(self, name: str) -> tuple[str, ...]:
        """Return origins of other systems' pages, each once: scheme, host and port, in clear only on this machine."""
        found = dict.fromkeys((self.text(name) or "").split())
        for value in found:
            if not re.fullmatch(r"https://[a-z0-9.-]+(:\d{1,5})?|http://(localhost|127\.0\.0\.1)(:\d{1,5})?", value):
                self._problems.append(
                    f"{name} must list origins such as https://crm.example.org, apart by spaces, got {value!r}"
                )
        return tuple(found)

    def secret(self, name: str, shortest: int) -> str | None:
        value = self.text(name)
        if value is not None and len(value) < shortest:
            self._problems.append(f"{name} must have {shortest} characters or more, got {len(value)}")
        return value

    def roles(self, name: str) -> dict[str, Role]:
        roles: dict[str, Role] = {}
        for pair in filter(None, (self.text(name) or "").split(";")):
            group, _, role = (part.strip() for part in pair.rpartition("="))
            if group and role in tuple(Role):
                roles[group] = Role(role)
            else:
                self._problems.append(
                    f"{name} must list group=role; …, roles being {', '.join(Role)}, got {pair.strip()!r}"
                )
        return roles

    def need_with(self, cause: str, *names: str) -> None:
        """Note each of these variables that is not set though `cause` is."""
        self._problems.extend(f"{name} must be set where {cause} is, got none" for name in names if not self.text(name))

    def raise_problems(self) -> None:
        if self._problems:
            raise SettingsError("\n".join(self._problems))
