"""A simulated exchange, and the pipeline command in forks of one process: its start is most of what a run costs."""

import subprocess

import parsed
import pytest
import tomlkit
from simulating import warm_simulator
from warm import WarmCommands

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
        self._commands = WarmCommands(folder)

    def end(self):
        self._commands.end()

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
        """Set a key of [sources.binance] to another value in config.toml."""
        document = tomlkit.parse(self.default)
        document["sources"]["binance"][key] = tomlkit.value(value)
        self.config.write_text(tomlkit.dumps(document))

    def run(self, *options, environment=None, **settings):
        if "--transform" in options:
            parsed.place(self.folder / "dbt_project", self.database)
        chosen = {**self.settings, **{key.upper(): str(value) for key, value in settings.items()}}
        variables = {f"SOURCES__{self.venue.upper()}__{key}": value for key, value in chosen.items()}
        arguments = ["--progress", "none", *options]
        process = self._commands.start(self.venue, arguments, variables | (environment or {}))
        try:
            out, error = process.communicate(timeout=180)
        finally:
            process.kill()
        assert "Traceback" not in error, error
        return subprocess.CompletedProcess(options, process.returncode, out, error)

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
    with warm_simulator(market="tests", clock=CLOCK, clock_mode="frozen", no_limits=True) as made:
        yield made


@pytest.fixture
def exchange(shared_exchange):
    shared_exchange.reset_stats()
    return shared_exchange


@pytest.fixture
def command(forked, exchange):
    """The pipeline command, with the configuration as it is delivered, and the simulated exchange."""
    return forked.restore(MARKET_DATA_URL=exchange.url, API_URL=exchange.url)
