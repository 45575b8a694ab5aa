"""Databases that cannot be loaded into: one line before anything is fetched, and the file as it was."""

import sqlite3
import struct

import duckdb
import pytest

ARGUMENTS = ("--datasets", "symbols,klines", "--symbols", "BTCUSDT", "--start", "2025-02-11T11:50:00")
VARIABLE = "DESTINATION__MARKET__CREDENTIALS"
HEADER = 4096
"""Bytes of a DuckDB file's first header: a checksum of the rest, "DUCK", and the version of the storage."""


def checksum(content):
    """Return DuckDB's checksum of a block: each eight bytes times a constant, all of them xored."""
    found = 5381
    for (word,) in struct.iter_unpack("<Q", content):
        found ^= word * 0xBF58476D1CE4E5B9 % 2**64
    return found


def write_future(path):
    """Write a database of a storage version that is still to come."""
    duckdb.connect(str(path)).close()
    content = bytearray(path.read_bytes())
    assert struct.unpack_from("<Q", content)[0] == checksum(content[8:HEADER])
    struct.pack_into("<Q", content, 12, 100)
    struct.pack_into("<Q", content, 0, checksum(content[8:HEADER]))
    path.write_bytes(content)


def write_sqlite(path):
    with sqlite3.connect(path) as connection:
        connection.execute("create table klines (open float)")
    connection.close()


FILES = {
    "text": (lambda path: path.write_text("a letter"), "cannot be opened as a DuckDB"),
    "empty": (lambda path: path.write_text(""), "cannot be opened as a DuckDB"),
    "SQLite": (write_sqlite, "is a database of SQLite"),
    "future": (write_future, "was written by another version of DuckDB, with version number 100, but we can only read"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("by", ["variable", "secrets"])
def test_what_is_no_database_is_left_alone_and_named_with_its_place(command, exchange, tmp_path, kind, by):
    path = tmp_path / "chosen.duckdb"
    write, said = FILES[kind]
    write(path)
    before = None if path.is_dir() else path.read_bytes()
    if by == "secrets":
        command.secrets.write_text(f'[destination.market]\ncredentials = "{path}"\n')
    done = command.run(*ARGUMENTS, environment={VARIABLE: str(path)} if by == "variable" else {})
    place = f"the variable {VARIABLE}" if by == "variable" else str(command.secrets)
    command.assert_refused(done, 1, f"{path} {said}", f"(set by {place})")
    assert before is None or path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert exchange.stats()["requests"] == 0


def test_a_folder_that_is_missing_is_named(command, exchange, tmp_path):
    path = tmp_path / "missing" / "market.duckdb"
    done = command.run(*ARGUMENTS, environment={VARIABLE: str(path)})
    command.assert_refused(done, 1, f"there is no folder {path.parent} (set by the variable {VARIABLE}); create it")
    assert not path.parent.exists()
    assert exchange.stats()["requests"] == 0


@pytest.mark.parametrize("value", ["", "postgres://loader:hunter2@host/db", "mysql://hunter2", "[1]", "{}", '{"x": 1}'])
def test_credentials_of_another_kind_are_refused_and_not_shown(command, exchange, value):
    done = command.run(*ARGUMENTS, environment={VARIABLE: value})
    command.assert_refused(done, 2, f"destination.market.credentials (set by the variable {VARIABLE})")
    assert "hunter2" not in done.stderr
    assert exchange.stats()["requests"] == 0


def test_credentials_in_the_file_that_is_shared_are_refused(command, exchange):
    command.config.write_text(command.default + '\n[destination.market.credentials]\ndatabase = "hunter2"\n')
    done = command.run(*ARGUMENTS)
    command.assert_refused(done, 2, "destination.market.credentials")
    assert "hunter2" not in done.stderr
    assert exchange.stats()["requests"] == 0


@pytest.fixture(scope="module")
def loaded(forked, shared_exchange):
    """A database as it is loaded today."""
    forked.restore(MARKET_DATA_URL=shared_exchange.url, API_URL=shared_exchange.url)
    done = forked.run(*ARGUMENTS)
    assert done.returncode == 0, done.stderr
    return forked.database.read_bytes()


OLD = {
    "alter table staging.klines drop column source": "staging.klines lacks the column source",
    "alter table staging.klines alter column open type double": (
        "staging.klines.open is DOUBLE in the place of DECIMAL(28,8)"
    ),
    "alter table staging.klines alter column volume type decimal(38, 18)": (
        "staging.klines.volume is DECIMAL(38,18) in the place of DECIMAL(28,8)"
    ),
    "alter table staging.klines alter column open_time type bigint using epoch_ms(open_time)": (
        "staging.klines.open_time is BIGINT in the place of TIMESTAMP WITH TIME ZONE"
    ),
    "alter table staging.symbols alter column tick_size type varchar": (
        "staging.symbols.tick_size is VARCHAR in the place of DECIMAL(28,8)"
    ),
}


@pytest.mark.parametrize("change", OLD)
def test_tables_of_another_version_of_the_project_are_named_and_left_alone(command, exchange, loaded, change):
    command.database.write_bytes(loaded)
    with duckdb.connect(str(command.database)) as connection:
        connection.execute(change)
    before = command.database.read_bytes()
    exchange.reset_stats()
    for options in (ARGUMENTS, (*ARGUMENTS, "--transform")):
        done = command.run(*options)
        command.assert_refused(
            done, 1, f"{command.database} was made by another version of this project: {OLD[change]}; move it away"
        )
    assert command.database.read_bytes() == before
    assert exchange.stats()["requests"] == 0


def test_a_column_that_is_added_and_may_be_empty_is_no_reason_to_refuse(command, loaded):
    command.database.write_bytes(loaded)
    with duckdb.connect(str(command.database)) as connection:
        connection.execute("alter table staging.symbols drop column min_notional")
        connection.execute("update staging._dlt_version set version_hash = 'of the version before'")
        connection.execute("alter table staging.klines add column note varchar")
    done = command.run(*ARGUMENTS)
    assert done.returncode == 0, done.stderr


def test_a_dbt_profile_that_is_wrong_ends_in_one_line_with_the_data_kept(command):
    profile = command.folder / "profiles.yml"
    kept = profile.read_text()
    profile.write_text(kept.replace("type: duckdb", "type: duckdbb"))
    done = command.run(*ARGUMENTS, "--transform")
    profile.write_text(kept)
    assert done.returncode == 1
    assert done.stderr.startswith("error: dbt: ")
    assert "duckdbb" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    with duckdb.connect(str(command.database)) as connection:
        assert connection.execute("select count(*) from staging.klines").fetchone()[0] == 10
