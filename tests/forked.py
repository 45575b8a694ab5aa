"""A simulated exchange, and the pipeline command in forks of one process: its start is most of what a run costs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tomlkit

from exchange_simulator import running_simulator

CLOCK = "2025-02-11T12:00:30"


class Forked:
    """A copy of the project whose command is run in forks; what a test changes in it is undone by `restore`."""

    def __init__(self, project) -> None:
        self.folder = folder = project.folder
        self.database = project.database
        self.venue = "binance"
        self.settings: dict[str, str] = {}
        self.config = folder / ".dlt" / "config.toml"
        self.secrets = folder / ".dlt" / "secrets.toml"
        self.default = self.config.read_text()
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forking.py")), str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={name: value for name, value in os.environ.items() if "__" not in name},
        )  # fmt: skip
        assert self._server.stdout.readline() == "ready\n"

    def end(self):
        self._server.stdin.close()
        assert self._server.wait() == 0

    def restore(self, **settings):
        self.venue, self.settings = "binance", settings
        for path in (self.config, self.secrets):
            if path.is_dir():
                path.rmdir()
            path.unlink(missing_ok=True)
        self.config.write_text(self.default)
        self.database.unlink(missing_ok=True)
        return self

    def use_venue(self, venue, url, **settings):
        """Run the command of another venue from now on; what fails is tried again soon."""
        self.venue, self.settings = venue, {"BASE_URL": url, "BACKOFF_SECONDS": "0.05", **settings}
        return self

    def set(self, key, value):
        """Return a key of [sources.binance] another value in config.toml."""
        document = tomlkit.parse(self.default)
        document["sources"]["binance"][key] = tomlkit.value(value)
        self.config.write_text(tomlkit.dumps(document))

    def run(self, *options, environment=None, **settings):
        out, error = (self.folder.parent / name for name in ("out", "error"))
        chosen = {**self.settings, **{key.upper(): str(value) for key, value in settings.items()}}
        asked = {
            "arguments": ["--progress", "none", *options],
            "environment": {f"SOURCES__{self.venue.upper()}__{key}": value for key, value in chosen.items()}
            | (environment or {}),
            "venue": self.venue,
            "out": str(out),
            "error": str(error),
        }
        self._server.stdin.write(json.dumps(asked) + "\n")
        self._server.stdin.flush()
        code = int(self._server.stdout.readline())
        done = subprocess.CompletedProcess(options, code, out.read_text(), error.read_text())
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def assert_refused(self, done, code, *said):
        """Assert one line on standard error, nothing on the other one, and no database."""
        assert done.returncode == code, done.stderr
        for text in said:
            assert text in done.stderr
        assert done.stderr.startswith("error: ")
        assert len(done.stderr.splitlines()) == 1
        assert done.stdout == ""


@pytest.fixture(scope="module")
def forked(module_project):
    made = Forked(module_project)
    yield made
    made.end()


@pytest.fixture(scope="session")
def shared_exchange():
    with running_simulator(market="tests", clock=CLOCK, clock_mode="frozen", no_limits=True) as made:
        yield made


@pytest.fixture
def exchange(shared_exchange):
    shared_exchange.reset_stats()
    return shared_exchange


@pytest.fixture
def command(forked, exchange):
    """The pipeline command, with the configuration as it is delivered, and the simulated exchange."""
    return forked.restore(MARKET_DATA_URL=exchange.url, API_URL=exchange.url)
