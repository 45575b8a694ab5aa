"""A database of the version before: columns that may be empty by now are made so, and it is loaded on."""

import duckdb
import pytest
from forked import command, forked  # noqa: F401 - fixtures

OPTIONS = ("--symbols", "BTC-USDT", "--start", "2025-02-11T11:50:00", "--datasets", "okx_instruments,okx_candles")
FILLED = ("tick_size", "lot_size", "min_size")


@pytest.fixture
def older(command, exchange, module_project):  # noqa: F811
    """A database in which columns of the instruments must not be empty, as dlt's own schema says, too."""
    okx = command.use_venue("okx", exchange.okx_url)
    schemas = module_project.folder / "okx_source" / "schemas.py"
    now = schemas.read_text()
    schemas.write_text(now.replace('"tick_size", "lot_size", "min_size", "list_time"', '"list_time"'))
    forking = okx.__class__(module_project)
    forking.use_venue("okx", exchange.okx_url)
    done = forking.run(*OPTIONS)
    schemas.write_text(now)
    forking.end()
    assert done.returncode == 0, done.stderr
    return okx


def test_columns_that_may_be_empty_by_now_are_made_so_and_nothing_is_lost(older, exchange, module_project):
    columns = "select column_name from duckdb_columns() where table_name = 'okx_instruments' and not is_nullable"
    with duckdb.connect(str(older.database), read_only=True) as connection:
        assert {name for (name,) in connection.execute(columns).fetchall()} >= set(FILLED)
    before = module_project.count("okx_candles")
    exchange.set_oddities(okx_placeholders=True)
    exchange.clock_advance(180)
    done = older.run(*OPTIONS)
    exchange.set_oddities(okx_placeholders=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert module_project.count("okx_candles") == before + 3
    assert module_project.query("select tick_size from staging.okx_instruments where symbol like 'LISTING-SPOT%'") == [
        (None,)
    ]
    with duckdb.connect(str(older.database), read_only=True) as connection:
        assert not {name for (name,) in connection.execute(columns).fetchall()} & set(FILLED)
