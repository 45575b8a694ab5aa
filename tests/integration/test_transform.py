"""From the exchange to gold: minutes rolled up equal the exchange's own larger candles."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SYMBOLS = ("BTCUSDT", "OUTAGEUSDT", "SPARSEUSDT", "LATEUSDT", "HALTUSDT", "TINYUSDT")
INTERVALS = ("5m", "15m", "1h", "4h", "1d")
FIELDS = (
    "open", "high", "low", "close", "volume", "quote_volume", "trade_count",
    "taker_buy_volume", "taker_buy_quote_volume",
)  # fmt: skip


def test_rolled_up_candles_equal_the_exchanges_own(project, exchange):
    project.use(exchange).load(
        "--datasets", "symbols,klines,agg_trades", "--symbols", ",".join(SYMBOLS),
        "--intervals", ",".join(("1m", *INTERVALS)), "--start", "2025-01-10", "--transform",
    )  # fmt: skip
    complete = project.query(
        'select "interval", count(*) from gold.ohlcv where is_complete group by 1 '
        "order by min(epoch(close_time - open_time))"
    )
    assert [interval for interval, _ in complete] == list(INTERVALS)
    fields = ", ".join(FIELDS)
    rolled = f'select symbol, "interval", open_time, {fields} from gold.ohlcv where is_complete'
    own = f'select symbol, "interval", open_time, {fields} from staging.klines where "interval" <> \'1m\''
    assert project.query(f"{rolled} except {own}") == []
    # The other way round, what gold does not call complete must lack minutes: the outages, the listing, the present.
    lacking = project.query(
        f"with missed as ({own} except {rolled}) select distinct symbol from missed where \"interval\" = '1h' "
        "and open_time not between '2025-01-15 12:00:00+00' and '2025-01-15 14:00:00+00' "
        "and open_time <> '2025-02-10 06:00:00+00' and open_time < '2025-02-11 12:00:00+00'"
    )
    assert lacking in ([], [("LATEUSDT",)])
    # All that the exchange has is covered, so that each of its candles was compared, also those that an outage cut.
    assert project.query("select * from gold.reconciliation") == []
    compared = "select \"interval\", sum(compared) from gold.reconciliation_summary where check_name = '{}' group by 1"
    own = 'select "interval", count(*) from staging.klines where "interval" {} \'1m\' group by 1'
    for check, which in (("klines_against_minutes", "<>"), ("klines_against_agg_trades", "=")):
        assert sorted(project.query(compared.format(check))) == sorted(project.query(own.format(which)))


@pytest.mark.soak
def test_gold_keeps_up_with_later_and_earlier_loads(project, exchange):
    options = ("--datasets", "klines,agg_trades,trades", "--symbols", "BTCUSDT", "--transform")
    project.use(exchange).load(*options, "--start", "2025-02-11T06:30:00")
    exchange.clock_advance(3600)
    project.load(*options)
    project.load(*options, "--start", "2025-02-10")
    names = ("gold.ohlcv", "gold.trade_flow", "gold.reconciliation_summary")
    tables = {name: project.query(f"select * from {name} order by all") for name in names}
    assert all(tables.values())
    # 37 hours up to 13:00 on the 11th, minute by minute; the exchange's own longer candles were not loaded.
    sums = "select check_name, sum(compared), sum(differing) from gold.reconciliation_summary group by 1 order by 1"
    assert project.query(sums) == [(f"klines_against_{one}", 37 * 60, 0) for one in ("agg_trades", "trades")]
    dbt = str(Path(sys.executable).with_name("dbt"))
    environment = {**os.environ, "DESTINATION__MARKET__CREDENTIALS": str(project.database)}
    subprocess.run(
        [dbt, "build", "--full-refresh", "--quiet", "--project-dir", "dbt_project"],
        cwd=project.folder, env=environment, check=True,
    )  # fmt: skip
    for name, rows in tables.items():
        assert project.query(f"select * from {name} order by all") == rows


def test_a_user_who_loads_only_klines_gets_a_green_build(project, exchange):
    done = project.use(exchange).load(
        "--datasets", "klines", "--symbols", "BTCUSDT", "--start", "2025-02-11", "--transform"
    )
    assert "models built and tested" in done.stdout
    assert project.query("select count(*) from gold.trade_flow") == [(0,)]
