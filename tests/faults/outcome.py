"""What a run under faults may end with: exactly the rows there are, or each series that lacks some is named."""

import re

import duckdb

TABLE_SERIES = {"klines": "symbol || ' ' || \"interval\"", "agg_trades": "symbol", "trades": "symbol"}


def named(done, table):
    """The series of a table that a run said not to have completed."""
    return set(re.findall(rf"^NOT COMPLETE: {table} spot (.+?): ", done.stdout, re.MULTILINE))


def lacking(project, table, truth):
    """The series of a table that lack rows; asserts that what there is is right, and there once."""
    series, columns = TABLE_SERIES[table], ", ".join(f'"{name}"' for name in truth.column_names)
    exists = f"select count(*) from information_schema.tables where table_name = '{table}' and table_schema = 'staging'"
    if not project.database.exists() or project.query(exists) == [(0,)]:
        return {name for (name,) in duckdb.query(f"select distinct {series} from truth").fetchall()}
    loaded = f"select {columns} from staging.{table}"
    assert project.query(f"({loaded} except select {columns} from truth) limit 3", truth=truth) == []
    assert project.query(f"select {columns} from staging.{table} group by all having count(*) > 1 limit 3") == []
    missing = f"select {columns} from truth except {loaded}"
    return {name for (name,) in project.query(f"select distinct {series} from ({missing})", truth=truth)}


def assert_exact_or_named(project, done, expected):
    """Assert that a run loaded what is expected (by table), or ended with 1 and said which series are not complete.

    Returns:
        By table, the series that lack rows.
    """
    lacks = {table: lacking(project, table, truth) for table, truth in expected.items()}
    said = {table: named(done, table) for table in expected}
    ended = "ENDED EARLY: " in done.stdout or (not done.stdout and len(done.stderr.splitlines()) == 1)
    assert done.returncode == (1 if ended or any(said.values()) else 0), done.stdout + done.stderr
    if not ended:
        assert {table: found - said[table] for table, found in lacks.items() if found - said[table]} == {}, done.stdout
    return lacks
