"""Faults of the archive on demand: which files go wrong, and how. They are independent of the faults of requests."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from itertools import count
from typing import Any, Final

from exchange_simulator.archive.keys import split_key
from exchange_simulator.clock import to_microseconds

_MICROSECONDS_PER_MILLISECOND: Final = 1000
_GIBIBYTE: Final = 1 << 30
# A zip member of 2 GiB or more would need the Zip64 format, which no file of the archive has.
_LARGEST_MEMBER: Final = (1 << 31) - 1


@dataclass(frozen=True)
class Setting:
    """One setting of a kind of fault: its default (None if it has none), its type and its bounds."""

    default: Any = None
    kind: type = int
    is_required: bool = False
    least: int | None = None
    most: int | None = None

    def refuse(self, value: Any) -> str | None:
        """Return what is wrong with a value, or None."""
        has_right_type = isinstance(value, self.kind) and not isinstance(value, bool)
        if not has_right_type:
            return "has the wrong type"
        if self.least is not None and value < self.least:
            return f"is less than {self.least}"
        return f"is more than {self.most}" if self.most is not None and value > self.most else None


_EVERY: Final = Setting(10, least=1)
_BYTES: Final = Setting(least=0)
_SINCE: Final = Setting(kind=str, is_required=True)
_RANGE: Final = {"from_ms": Setting(is_required=True), "to_ms": Setting(is_required=True)}

# Kinds that affect single responses: they take `times`, after which they strike no more.
ANSWER_KINDS: Final[dict[str, dict[str, Setting]]] = {
    "gone": {},
    "no_checksum": {},
    "wrong_checksum": {},
    "cut_zip": {"bytes": _BYTES},
    "corrupt_zip": {},
}
HIDING_KINDS: Final[dict[str, dict[str, Setting]]] = {"missing": {}, "not_published": {"since": _SINCE}}
# Kinds that replace the file: listing, zip and CHECKSUM agree.
CONTENT_KINDS: Final[dict[str, dict[str, Setting]]] = {
    "drop_rows": _RANGE,
    "duplicate_rows": {"every": _EVERY},
    "unsorted": {"seed": Setting(0)},
    "change_rows": {"every": _EVERY},
    "bad_number": {"row": Setting(0, least=0), "column": Setting(1, least=0), "text": Setting("n/a", str)},
    "header": {},
    "republished": {
        "at_ms": Setting(is_required=True),
        "every": Setting(least=1),
        "from_ms": Setting(),
        "to_ms": Setting(),
    },
    "bomb": {"bytes": Setting(_GIBIBYTE, least=1, most=_LARGEST_MEMBER)},
    "two_members": {},
    "absurd_name": {},
    "short_zip": {"bytes": _BYTES},
    "not_a_zip": {},
}
_KINDS: Final = {**HIDING_KINDS, **ANSWER_KINDS, **CONTENT_KINDS}


@dataclass
class ArchiveFault:
    """A rule for which files of the archive go wrong, and how often it has been applied."""

    id: int
    kind: str
    path: str = "*"
    times: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    hits: int = 0

    def fits(self, key: str) -> bool:
        """Return whether the rule applies to the zip of this key, and is not used up."""
        is_pattern = any(character in self.path for character in "*?[")
        fits = fnmatch.fnmatchcase(key, self.path) if is_pattern else key.startswith(self.path)
        return fits and (self.times is None or self.hits < self.times)

    def hides(self, key: str) -> bool:
        """Return whether the zip of this key is neither listed nor served."""
        if self.kind not in HIDING_KINDS or not self.fits(key):
            return False
        parts = split_key(key)
        return self.kind == "missing" or (parts is not None and parts[1].end > _start_of(self.settings["since"]))

    def as_dict(self) -> dict[str, Any]:
        """Return the rule in the form of GET /simulator/archive/faults."""
        own = {"id": self.id, "kind": self.kind, "path": self.path, "times": self.times, "hits": self.hits}
        return own | self.settings


class ArchiveFaults:
    """The active rules, in the order in which they were added."""

    def __init__(self) -> None:
        self.rules: list[ArchiveFault] = []
        self._ids = count(1)

    def add(self, description: Mapping[str, Any]) -> ArchiveFault:
        """Add a rule from its JSON. Raises ValueError with one line about what is wrong."""
        fault = _fault_of(next(self._ids), dict(description))
        self.rules.append(fault)
        return fault

    @property
    def hides_any(self) -> bool:
        """Return whether any rule hides files."""
        return any(rule.kind in HIDING_KINDS for rule in self.rules)

    def hides(self, key: str) -> bool:
        """Return whether the zip of this key is neither listed nor served."""
        return any(rule.hides(key) for rule in self.rules)

    def lists_checksum(self, key: str) -> bool:
        """Return whether the CHECKSUM of this key is listed; not if it is missing for good."""
        return not any(rule.kind == "no_checksum" and rule.times is None and rule.fits(key) for rule in self.rules)

    def strike(self, kind: str, key: str) -> ArchiveFault | None:
        """Return the rule of a kind that applies to a response about this key, and count it, or None."""
        found = next((rule for rule in self.rules if rule.kind == kind and rule.fits(key)), None)
        if found is not None:
            found.hits += 1
        return found

    def count_content(self, key: str) -> None:
        """Count a download of the zip of this key for the rules that replace the file."""
        for rule in self.of_content(key):
            rule.hits += 1

    def of_content(self, key: str) -> list[ArchiveFault]:
        """Return the rules that replace the zip of this key."""
        return [rule for rule in self.rules if rule.kind in CONTENT_KINDS and rule.fits(key)]


def is_over(rule: ArchiveFault, now: int) -> bool:
    """Return whether a republished file has been corrected by now (microseconds since 1970)."""
    return rule.kind == "republished" and now >= rule.settings["at_ms"] * _MICROSECONDS_PER_MILLISECOND


def _fault_of(number: int, given: dict[str, Any]) -> ArchiveFault:
    kind, path, times = given.pop("kind", None), given.pop("path", "*"), given.pop("times", None)
    known = _KINDS.get(kind) if isinstance(kind, str) else None
    if known is None:
        raise ValueError(f"kind {kind!r} is not one of {', '.join(_KINDS)}")
    if not isinstance(path, str):
        raise ValueError(f"path = {path!r} has the wrong type")
    if times is not None:
        if kind not in ANSWER_KINDS:
            raise ValueError(f"{kind} takes no times; those that do are {', '.join(ANSWER_KINDS)}")
        if wrong := Setting(least=1).refuse(times):
            raise ValueError(f"times = {times!r} {wrong}")
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"unknown key {name!r}; known for {kind} are {', '.join(['path', 'times', *known])}")
        if wrong := known[name].refuse(value):
            raise ValueError(f"{name} = {value!r} {wrong}")
    lacking = [name for name, setting in known.items() if setting.is_required and name not in given]
    if lacking:
        raise ValueError(f"{kind} needs {' and '.join(lacking)}")
    if ("from_ms" in given) != ("to_ms" in given):
        raise ValueError("from_ms and to_ms go together")
    if "since" in given:
        _start_of(given["since"])
    defaults = {name: setting.default for name, setting in known.items() if setting.default is not None}
    return ArchiveFault(number, kind, path.removeprefix("/"), times, defaults | given)


def _start_of(day: str) -> int:
    """Return when a day begins, in microseconds since 1970. Raises ValueError unless it is an ISO date."""
    try:
        parsed = date.fromisoformat(day)
    except ValueError as error:
        raise ValueError(f"since = {day!r} is not a date such as 2025-01-31") from error
    return to_microseconds(datetime(parsed.year, parsed.month, parsed.day, tzinfo=timezone.utc))
