"""Databases with a name that is taken, and destinations of other kinds: one line before anything is fetched."""

import pytest
import tomlkit

VARIABLE = "DESTINATION__MARKET__CREDENTIALS"
TYPE = "DESTINATION__MARKET__DESTINATION_TYPE"
ARGUMENTS = ("--datasets", "symbols,klines", "--symbols", "BTCUSDT", "--start", "2025-02-11T11:50:00")
TAKEN = (
    "staging.duckdb",
    "STAGING.db",
    "staging",
    "staging.old.duckdb",
    "staging_staging.duckdb",
    "stg.duckdb",
    "Silver.duckdb",
    "gold.duckdb",
    "main.duckdb",
    "temp.duckdb",
    "system.duckdb",
    "information_schema.duckdb",
)
SUPPORTED = "supported are duckdb and motherduck"


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_that_is_taken_is_refused_with_one_that_is_right(command, exchange, tmp_path, name):
    path = tmp_path / name
    done = command.run(*ARGUMENTS, environment={VARIABLE: str(path)})
    command.assert_refused(done, 2, str(path), f"(set by the variable {VARIABLE})", f"such as {tmp_path}/market.duckdb")
    assert list(tmp_path.iterdir()) == []
    assert exchange.stats()["requests"] == 0


@pytest.mark.parametrize("name", ["silver_and_gold.duckdb", "old.staging.duckdb", "pg_catalog.duckdb"])
def test_names_that_only_look_taken_are_loaded_into(command, tmp_path, name):
    done = command.run(*ARGUMENTS, environment={VARIABLE: str(tmp_path / name)})
    assert (done.returncode, done.stderr) == (0, "")
    # A second run reads what the first one has left there.
    assert command.run(*ARGUMENTS, environment={VARIABLE: str(tmp_path / name)}).returncode == 0


@pytest.mark.parametrize(
    "kind", ["postgres", "snowflake", "filesystem", "nonsense", "DuckDB", "dlt.destinations.dummy"]
)
@pytest.mark.parametrize("by", ["variable", "config"])
def test_another_kind_of_destination_is_refused_with_those_that_are_supported(command, exchange, kind, by):
    if by == "config":
        document = tomlkit.parse(command.default)
        document["destination"]["market"]["destination_type"] = kind
        command.config.write_text(tomlkit.dumps(document))
    done = command.run(*ARGUMENTS, environment={TYPE: kind} if by == "variable" else {})
    place = f"the variable {TYPE}" if by == "variable" else str(command.config)
    command.assert_refused(done, 2, f"destination.market.destination_type is '{kind}' (set by {place})", SUPPORTED)
    assert not command.database.exists()
    assert exchange.stats()["requests"] == 0


def test_a_destination_without_a_kind_is_refused(command, exchange):
    document = tomlkit.parse(command.default)
    del document["destination"]["market"]["destination_type"]
    command.config.write_text(tomlkit.dumps(document))
    command.assert_refused(command.run(*ARGUMENTS), 2, "destination.market.destination_type is not set", SUPPORTED)
    assert exchange.stats()["requests"] == 0
