"""Random mixtures of faults: the tables are exact, or what they lack is named; the next run completes them."""

import random

import pytest

from tests.faults.outcome import assert_exact_or_named, lacking

NOW = "2025-02-11T12:00:30"
DAYS = ("2025-02-09", "2025-02-08", "2025-01-30")
SYMBOLS = ("BTCUSDT", "OUTAGEUSDT", "TOMBUSDT", "SPARSEUSDT")
INTERVALS = {"klines": ["1m", "1h"], "agg_trades": [None], "trades": [None]}
QUICK = {"backoff_seconds": 0.01, "firewall_pause_seconds": 0.1, "timeout_seconds": 2, "ban_patience_seconds": 4}
PATHS = (
    "/api/v3/klines",
    "/api/v3/aggTrades",
    "/api/v3/historicalTrades",
    "/api/v3/exchangeInfo",
    "/api",
    "/data",
    "/s3",
)
ARCHIVE_PATHS = ("*", "*/klines/*", "*/trades/*", "*/aggTrades/*", "*-2025-02-09.zip", "*-2025-01.zip", "*BTCUSDT*")

# Faults of requests, with their settings and how they strike: by chance, or a few times. A page that is short twice is
# believed, as an outage must be, so that it strikes but once.
REST_FAULTS = (
    *({"kind": f"http_{status}_html", "count": None} for status in (500, 502, 503)),
    *({"kind": kind, "count": None} for kind in ("html_200", "truncated_json", "invalid_json", "reset")),
    *({"kind": kind, "count": None} for kind in ("missing_weight_header", "low_weight_header", "duplicate_page")),
    {"kind": "slow_body", "seconds": 0.1, "count": None},
    {"kind": "short_page", "count": 1},
    {"kind": "stall", "seconds": 10, "count": 1},
    {"kind": "waf_403_html", "count": 2},
    {"kind": "rate_429", "retry_after": 1, "count": 2},
    {"kind": "rate_429", "retry_after": "", "seconds": 0.1, "count": 1},
    {"kind": "ban_418", "seconds": 1, "count": 1},
    {"kind": "ban_418", "seconds": 60, "count": 1},
    {"kind": "geo_451", "count": 1},
    {"kind": "clock_skew", "skew_ms": 90_000, "count": 2},
    {"kind": "error_code", "status": 400, "code": -1100, "count": 1},
    {"kind": "error_code", "status": 503, "code": -1008, "count": 3},
)
ARCHIVE_FAULTS = (
    *({"kind": kind} for kind in ("missing", "gone", "no_checksum", "wrong_checksum", "cut_zip", "corrupt_zip")),
    *({"kind": kind, "times": 2} for kind in ("gone", "wrong_checksum", "cut_zip", "corrupt_zip")),
    *({"kind": kind} for kind in ("header", "unsorted", "two_members", "absurd_name", "short_zip", "not_a_zip")),
    {"kind": "not_published", "since": "2025-02-09"},
    {"kind": "duplicate_rows", "every": 7},
    {"kind": "drop_rows", "from_ms": 1_739_070_000_000, "to_ms": 1_739_080_000_000},
    {"kind": "bad_number", "row": 300},
    {"kind": "bomb", "bytes": 60_000_000},
)


def mixture(chance):
    """Faults of requests and of the archive, each with where and how often it strikes."""
    rest = [
        {
            **fault,
            "path": chance.choice(PATHS),
            "symbol": chance.choice((None, None, *SYMBOLS)),
            "after": chance.choice((0, 1, 3, 10)),
            "probability": chance.choice((0.03, 0.1, 0.3) if fault["count"] is None else (0.1, 1.0)),
            "seed": chance.randrange(1_000_000),
        }
        for fault in chance.sample(REST_FAULTS, chance.randint(1, 5))
    ]
    archive = [
        {**fault, "path": chance.choice(ARCHIVE_PATHS)} for fault in chance.sample(ARCHIVE_FAULTS, chance.randint(0, 4))
    ]
    return rest, archive


def as_before(exchange):
    """Take the faults back, and forget the bans that they brought."""
    exchange.clear_faults()
    exchange.clear_archive_faults()
    exchange.reset_limits()


def check(seed, number, project, exchange, truth):
    """Load under a mixture of faults, and then without."""
    chance = random.Random(f"{seed}-{number}")
    rest, archive = mixture(chance)
    start, source = chance.choice(DAYS), chance.choice(("auto", "auto", "rest"))
    symbols = chance.sample(SYMBOLS, 2)
    datasets = chance.sample(sorted(INTERVALS), chance.randint(1, 3))
    options = ("--datasets", ",".join(datasets), "--symbols", ",".join(symbols), "--intervals", "1m,1h")
    options += ("--start", start, "--source", source)
    print(f"mixture {seed}-{number}: {options}\n{rest}\n{archive}")
    project.use_archive(exchange)
    expected = {table: truth(table, symbols, start, NOW, INTERVALS[table]) for table in datasets}
    for fault in rest:
        exchange.add_fault(**fault)
    for fault in archive:
        exchange.add_archive_fault(**fault)
    done = project.run(*options, **QUICK, connections=chance.choice((1, 3, 16)))
    told = exchange.stats()["requests_while_told_to_wait"]
    as_before(exchange)
    print(done.stdout, done.stderr)
    assert_exact_or_named(project, done, expected)
    assert told == 0
    project.load(*options, **QUICK)
    assert {table: lacking(project, table, rows) for table, rows in expected.items()} == {
        name: set() for name in datasets
    }


@pytest.mark.parametrize("number", range(1))
def test_a_mixture_of_faults_ends_exact_or_named_and_the_next_run_completes_it(seed, number, project, exchange, truth):
    exchange.reset_limits()
    check(seed, number, project, exchange, truth)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(1, 150))
def test_many_mixtures_of_faults_end_exact_or_named(seed, number, project, exchange, truth):
    exchange.reset_limits()
    check(seed, number, project, exchange, truth)
