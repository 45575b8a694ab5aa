"""Pipelines of other venues are killed beside one whose data are in the same database."""

import pytest
from crashes import run_until

NOW = "2025-02-11T12:00:30"
STAGES = ("candles copied", "before the entry of the load", "after the entry of the load")
OKX = ("--datasets", "okx_candles,okx_funding_rates", "--symbols", "BTC-USDT-SWAP", "--start", "2025-02-11T02:00:00")
COINBASE = ("--datasets", "coinbase_candles", "--symbols", "BTC-USD", "--start", "2025-02-11T02:00:00")


def assert_as_uninterrupted(project, truth, *tables):
    expected = {
        "okx_candles": truth("okx_candles", ["BTC-USDT-SWAP"], OKX[-1], NOW, ["1m"]),
        "okx_funding_rates": truth("okx_funding_rates", ["BTC-USDT-SWAP"], OKX[-1], NOW),
        "coinbase_candles": truth("coinbase_candles", ["BTC-USD"], COINBASE[-1], NOW, ["1m"]),
    }
    for table in tables or expected:
        project.assert_equals(table, expected[table])


def test_a_venue_that_is_killed_is_completed_and_leaves_the_others_alone(project, exchange, truth):
    project.use_venue("coinbase", exchange.coinbase_url).load(*COINBASE)
    project.use_venue("okx", exchange.okx_url)
    run_until(project, STAGES[0], *OKX, package_rows=300)
    assert project.count("okx_candles") > 0
    project.load(*OKX)
    assert_as_uninterrupted(project, truth)


@pytest.mark.soak
@pytest.mark.parametrize(("venue", "options"), [("okx", OKX), ("coinbase", COINBASE)])
def test_runs_that_are_killed_one_stage_after_the_other_lose_and_double_nothing(
    project, exchange, truth, venue, options
):
    project.use_venue(venue, getattr(exchange, f"{venue}_url"))
    for stage in (*STAGES, "before recovery", "before settling", "trace copied"):
        run_until(project, stage, *options, package_rows=300)
    project.load(*options)
    assert_as_uninterrupted(project, truth, f"{venue}_candles")
