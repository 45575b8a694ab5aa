"""A section of the configuration: its keys, each with default, rule and comment in config.toml."""

from dataclasses import field, fields
from typing import Any, ClassVar, Final, Protocol, TypeVar

from dlt.common.configuration import configspec
from dlt.common.configuration.specs import BaseConfiguration

from ..times import DAY_MS
from .providers import ConfigurationError, Configured, lookup
from .rules import Number

S = TypeVar("S", bound="Section")

DAY_SECONDS: Final = DAY_MS / 1000


class Rule(Protocol):
    """What a value may be (see rules.py)."""

    def read(self, value: Any) -> Any:
        """Return the parsed value.

        Raises:
            ValueError: The value is not allowed; the message says what it must be.
        """


def key(default: Any, rule: Rule, comment: str = "") -> Any:
    """Return the field of a section that declares a key.

    Args:
        default: Value if nothing is set.
        rule: What the value may be.
        comment: Its comment in config.toml; a test compares the two.
    """
    about = {"rule": rule, "comment": comment}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=about)
    return field(default=default, metadata=about)


@configspec
class Section(BaseConfiguration):
    """A section of the configuration, such as `[sources.okx]`; each field is a key made by `key`.

    Times are in seconds.
    """

    connections: int = key(8, Number(int, 1, 1_000))
    timeout_seconds: float = key(15.0, Number(float, 0, 3_600, is_above=True))
    max_attempts: int = key(6, Number(int, 1, 100))
    backoff_seconds: float = key(0.5, Number(float, 0, 3_600))
    ban_patience_seconds: float = key(600.0, Number(float, 0, 30 * DAY_SECONDS))
    package_rows: int = key(3_000_000, Number(int, 1, 10**9))
    package_seconds: float = key(60.0, Number(float, 0, DAY_SECONDS, is_above=True))

    sections: ClassVar[tuple[str, str]] = ("sources", "")
    """Path of the section in the configuration."""

    def on_resolved(self) -> None:
        """Check all values, including those set in Python; dlt calls this when the section is resolved.

        Raises:
            ConfigurationError: A value is not allowed for its key.
        """
        for name, rule in self.rules().items():
            setattr(self, name, self._read(name, rule, Configured(getattr(self, name))))

    @classmethod
    def load(cls: type[S]) -> S:
        """Return the section, read from dlt's configuration providers.

        Returns:
            The resolved configuration, with defaults for keys that are not set.

        Raises:
            ConfigurationError: A file cannot be read, or a value is not allowed for its key.
        """
        made = cls()
        for name, rule in cls.rules().items():
            found = lookup(name, cls.sections)
            if found is not None:
                setattr(made, name, cls._read(name, rule, found))
        made.resolve()
        return made

    @classmethod
    def rules(cls) -> dict[str, Rule]:
        """Return the rule of each key."""
        return {one.name: one.metadata["rule"] for one in fields(cls) if "rule" in one.metadata}

    @classmethod
    def _read(cls, name: str, rule: Rule, found: Configured) -> Any:
        try:
            return rule.read(found.value)
        except ValueError as error:
            raise ConfigurationError(
                f"{'.'.join(cls.sections)}.{name} is {found.shown}; it must be {error} (set by {found.place})"
            ) from error
