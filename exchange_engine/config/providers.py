"""What is configured and where: in which file, or by which environment variable."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import tomlkit
from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import EnvironProvider
from dlt.common.configuration.providers.provider import ConfigProvider
from dlt.common.configuration.providers.toml import TomlProviderReadException
from dlt.common.configuration.specs import PluggableRunContext
from dlt.common.configuration.specs.config_section_context import ConfigSectionContext
from tomlkit.exceptions import TOMLKitError

SHOWN_CHARACTERS: Final = 60
"""How much of a wrong value a message shows, in characters."""

SECRETS: Final = ("api_key", "api_secret")
"""Keys whose values are never shown. They must not be in config.toml, which is under version control."""


class ConfigurationError(ValueError):
    """A configured value is unusable; the message names the key, where it is set, and what would be right."""


@dataclass(frozen=True)
class Configured:
    """A value that is set somewhere.

    Attributes:
        value: As it was set: of a TOML type, or a text.
        provider: The dlt provider that has it; None for a value set in Python.
        name: Full name of the key at that provider.
    """

    value: Any = field(repr=False)
    provider: ConfigProvider | None = None
    name: str = ""

    @property
    def place(self) -> str:
        """Where the value is set: a file, a variable or the program."""
        if self.provider is None:
            return "the program"
        if isinstance(self.provider, EnvironProvider):
            return f"the variable {self.name}"
        for file in self.provider.present_locations:
            node: Any = _read(file)
            for part in self.name.split("."):
                node = node.get(part) if isinstance(node, dict) else None
            if node is not None:
                return file
        return self.provider.name

    @property
    def shown(self) -> str:
        """The value for a message, unless it is a secret or may hold a password."""
        text = repr(self.value)
        is_secret = self.name.lower().endswith(SECRETS) or "@" in text or "?" in text
        return "not shown here" if is_secret else text[:SHOWN_CHARACTERS]


def lookup(key: str, sections: Sequence[str]) -> Configured | None:
    """Return a key's value from exactly one section, or None if it is not set.

    dlt itself falls back to ever shorter sections: it would take the host of Binance from a variable API_URL that
    belongs to another program.

    Args:
        key: Such as "connections".
        sections: Such as ("sources", "binance"); these may also be below the name of the dlt pipeline.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    for pipeline in dict.fromkeys((Container()[ConfigSectionContext].pipeline_name, None)):
        for provider in _providers():
            value, name = provider.get_value(key, Any, pipeline, *sections)  # type: ignore[arg-type]
            if value is not None:
                return Configured(value, provider, name)
    return None


def files() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the configuration files in use, and their contents.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    for provider in _providers():
        for path in provider.present_locations:
            if Path(path).is_file():
                yield path, _read(path)


def _providers() -> list[ConfigProvider]:
    try:
        return list(Container()[PluggableRunContext].providers.providers)
    except TomlProviderReadException as error:
        for path in filter(os.path.isfile, error.full_paths):
            _read(path)
        raise ConfigurationError(f"{error.file_name} cannot be read") from error
    except ValueError as error:
        raise ConfigurationError(f"dlt refuses its own settings, such as [runtime] in config.toml: {error}") from error


def _read(path: str) -> dict[str, Any]:
    try:
        return dict(tomlkit.parse(Path(path).read_text("utf-8")).unwrap())
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except TOMLKitError as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
