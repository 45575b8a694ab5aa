"""Who takes part in benchmarks.archive, each in an environment of its own, and one run of each."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.archive_files import Job

_SCRIPTS: Final = Path(__file__).with_name("archive_peers")
_MEASURE: Final = Path(__file__).with_name("archive_measure.py")
BASELINE: Final = "duckdb-alone"
PIPELINE: Final = "pipeline"


@dataclass(frozen=True)
class Peer:
    """Somebody else's way to load the same files.

    Attributes:
        name: As printed.
        requirement: What is installed into its environment.
        script: A file of archive_peers.
        kind: What it leaves: database, parquet or csv.
        verifies: Whether it compares a zip with its CHECKSUM.
        leaves: What it leaves, and prices as what.
    """

    name: str
    requirement: str
    script: str
    kind: str
    verifies: bool
    leaves: str


PEERS: Final = (
    Peer(BASELINE, "duckdb==2.0.0", "duckdb_alone.py", "database", True, "DuckDB, decimals"),
    Peer("binance-vision", "binance-vision==0.1.0", "vision.py", "parquet", True, "Parquet, float64"),
    Peer("nekojiru-binance", "nekojiru-binance==0.1.0", "nekojiru.py", "parquet", True, "Parquet, text"),
    Peer("binance-historical-data", "binance-historical-data==0.1.14", "historical_data.py", "csv", False, "CSV files"),
    Peer(
        "binance-bulk-downloader", "binance-bulk-downloader==1.1.0.1", "bulk_downloader.py", "csv", False, "CSV files"
    ),
)
"""The first is the baseline; its release of DuckDB also looks at what the others leave."""


@dataclass(frozen=True)
class Run:
    """One run of a contestant, as measured; memory is of its largest process."""

    seconds: float
    cpu_seconds: float
    memory_bytes: int
    status: int
    output: str
    """What it printed."""


class Environments:
    """Virtual environments in a folder, made when they are first asked for and kept there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def python(self, peer: Peer) -> str:
        """Return the Python of a peer's environment.

        Raises:
            subprocess.CalledProcessError: The environment could not be made; pip has said why.
        """
        home = self._folder / peer.requirement
        python = home / "bin" / "python"
        marker = home / "installed"
        if not marker.is_file():
            print(f"installing {peer.requirement} ...", flush=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
            install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", peer.requirement]
            subprocess.run([str(python), *install], check=True)
            marker.touch()
        return str(python)

    @property
    def counter(self) -> str:
        """The Python that has the baseline's DuckDB."""
        return self.python(PEERS[0])


def measured(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Run:
    """Run a command in a folder, everything that was written before flushed to the disk."""
    result, output = folder / "measured.json", folder / "output.txt"
    os.sync()
    measure = [sys.executable, "-I", "-S", str(_MEASURE), str(result), str(output)]
    subprocess.run([*measure, *command], cwd=folder, env={**os.environ, **(environment or {})}, check=True)
    found: dict[str, Any] = json.loads(result.read_text())
    return Run(**found, output=output.read_text(errors="replace"))


def pipeline_environment(url: str) -> dict[str, str]:
    """The environment that lets the pipeline take everything from the simulated exchange at a URL."""
    names = {"MARKET_DATA_URL": url, "API_URL": url, "ARCHIVE_URL": url, "ARCHIVE_LISTING_URL": f"{url}/s3"}
    return {f"SOURCES__BINANCE__{name}": value for name, value in names.items()}


def peer_command(peer: Peer, python: str, job: Job, url: str, folder: Path) -> list[str]:
    """The command that lets a peer load a job's files from the archive at a URL into a folder."""
    told = {
        "url": url,
        "folder": str(folder),
        "dataset": job.name,
        "symbols": job.symbols,
        "folders": job.folders,
        "first": job.first.isoformat(),
        "last": job.last.isoformat(),
    }
    return [python, str(_SCRIPTS / peer.script), json.dumps(told)]


def look(python: str, job: Job, kind: str, path: Path) -> dict[str, Any]:
    """Look at what a contestant left, with the Python that has the baseline's DuckDB; see archive_peers/count.py."""
    asked = json.dumps({"dataset": job.name, "kind": kind, "path": str(path)})
    command = [python, str(_SCRIPTS / "count.py"), asked]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(answer.stdout)
    return found
