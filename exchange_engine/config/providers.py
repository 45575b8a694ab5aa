"""What is configured, and where: in which file, or by which variable of the environment."""

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
"""Of a wrong value, in a message."""

SECRETS: Final = ("api_key", "api_secret")
"""Keys whose values are never shown, and must not stand in config.toml, which is under version control."""


class ConfigurationError(ValueError):
    """A configured value is unusable; the message names the key, where it stands, and what would be right."""


@dataclass(frozen=True)
class Configured:
    """A value that somebody has set.

    Attributes:
        value: As it stands there: of a TOML type, or a text.
        provider: What dlt has it from; None for a value that was set in Python.
        name: The key's whole name there.
    """

    value: Any = field(repr=False)
    provider: ConfigProvider | None = None
    name: str = ""

    @property
    def place(self) -> str:
        """Where the value stands: a file, or a variable."""
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
    """Find a key in exactly one section.

    dlt itself goes on to look for it in ever shorter sections, and would take the host of Binance from a variable
    API_URL that belongs to another program.

    Args:
        key: Such as "connections".
        sections: Such as ("sources", "binance"); they may also stand below the name of the dlt pipeline.

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
    """Return the configuration files that are in force, and what they say.

    Raises:
        ConfigurationError: One cannot be read.
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
