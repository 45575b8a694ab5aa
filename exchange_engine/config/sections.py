"""Configurations whose values are checked by rules: what a key may be, and where the wrong value stands."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from dlt.common.configuration.specs import BaseConfiguration

from .providers import ConfigurationError, Configured, lookup

C = TypeVar("C", bound=BaseConfiguration)


class Rule(Protocol):
    """What a value may be (see rules.py)."""

    def read(self, value: Any) -> Any:
        """Give the value that is meant; raise ValueError, which says what it must be."""


Rules = Mapping[str, Rule]
"""For each key of a configuration."""


def check_values(configuration: BaseConfiguration, sections: Sequence[str], rules: Rules) -> None:
    """Refuse values that a program has set and that cannot work, by key.

    Raises:
        ConfigurationError: One is not what its key takes.
    """
    for key in configuration.get_resolvable_fields():
        setattr(configuration, key, _checked(key, Configured(getattr(configuration, key)), sections, rules))


def load_section(configuration: C, sections: Sequence[str], rules: Rules) -> C:
    """Fill a configuration from dlt's configuration providers.

    Args:
        configuration: With its defaults, which stay where nothing is set.
        sections: Where it lives, such as ("sources", "binance").
        rules: What each key may be.

    Returns:
        The same configuration, resolved.

    Raises:
        ConfigurationError: A file cannot be read, or a value is not what its key takes.
    """
    for key in configuration.get_resolvable_fields():
        found = lookup(key, sections)
        if found is not None:
            setattr(configuration, key, _checked(key, found, sections, rules))
    configuration.resolve()
    return configuration


def _checked(key: str, found: Configured, sections: Sequence[str], rules: Rules) -> Any:
    try:
        return rules[key].read(found.value)
    except ValueError as error:
        raise ConfigurationError(
            f"{'.'.join(sections)}.{key} is {found.shown}; it must be {error} (set by {found.place})"
        ) from error
