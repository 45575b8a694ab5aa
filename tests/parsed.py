"""The dbt project as it is parsed once for all of its copies: dbt would read it anew for each of them."""

import fcntl
import functools
import hashlib
import os
import pprint
import shutil
import sys
from pathlib import Path

from warm import start_script

ROOT = Path(__file__).resolve().parents[1]
FILE = Path("target", "partial_parse.msgpack")
DATABASE = "market.duckdb"

_shared = []


def share(folder):
    """Keep it in a folder that all processes of this test run have."""
    _shared[:] = [folder]


def place(project, database):
    """Put what dbt has parsed into a copy of its project, for a database of the usual name."""
    if (project / FILE).exists():
        return
    # dbt goes by a hash of its profile, which the path is a part of. Nothing else that is parsed has to do with that.
    content = _parsed().replace(_hash_of_profile(DATABASE), _hash_of_profile(str(database)))
    (project / FILE).parent.mkdir(exist_ok=True)
    (project / FILE).write_bytes(content)


def _hash_of_profile(path):
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    profile = {"path": path, "database": Path(path).stem, "schema": "main", "settings": {"TimeZone": "UTC"}}
    connection = sorted(DuckDBCredentials.from_dict(profile).connection_info())
    return hashlib.sha256(pprint.pformat(connection).encode()).hexdigest().encode()


@functools.cache
def _parsed():
    folder = _shared[0] / "parsed"
    folder.mkdir(exist_ok=True)
    found = folder / FILE.name
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            _parse(folder)
            shutil.copy(folder / "dbt_project" / FILE, found)
    content = found.read_bytes()
    assert content.count(_hash_of_profile(DATABASE)) == 1
    return content


def _parse(folder):
    shutil.copytree(ROOT / "dbt_project", folder / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copy(ROOT / "profiles.yml", folder)
    dbt = Path(sys.executable).with_name("dbt")
    process = start_script(
        [dbt, "parse", "--quiet", "--no-write-json", "--project-dir", folder / "dbt_project", "--profiles-dir", folder],
        folder, {**os.environ, "DESTINATION__MARKET__CREDENTIALS": DATABASE},
    )  # fmt: skip
    said = process.communicate(timeout=180)
    assert process.returncode == 0, said
