"""Each fault of the REST simulator, alone in its series: passing it leaves no trace, lasting it is named.

Faults of single requests get a symbol each, so that one run shows all of them; those that stop the whole client get a
run of their own.
"""

import re
from datetime import datetime, timezone

import pyarrow as pa
import pytest
from simulating import warm_simulator

from exchange_simulator.faults import AFTERWARDS, HIDDEN_ROWS, INSTEAD
from tests.conftest import Project
from tests.faults.outcome import assert_exact_or_named, lacking, named

START, NOW = "2025-02-09", "2025-02-11T12:00:30"
HIDDEN = {"start": "2025-02-10T03:00:00", "end": "2025-02-10T05:00:00"}
PATHS = {"klines": "/api/v3/klines", "agg_trades": "/api/v3/aggTrades", "trades": "/api/v3/historicalTrades"}
QUICK = {"backoff_seconds": 0.01, "firewall_pause_seconds": 0.1, "timeout_seconds": 1.5, "max_attempts": 4}

# Settings of a kind of fault, and what becomes of its series in the run in which it passes, and in the one in which it
# stays (None: not tried, since it takes long). What is asked for twice and denied twice is believed.
OF_A_SERIES = {
    "http_500_html": ({}, "exact", "named"),
    "http_502_html": ({}, "exact", "named"),
    "http_503_html": ({}, "exact", "named"),
    "html_200": ({}, "exact", "named"),
    "reset": ({}, "exact", "named"),
    "stall": ({"seconds": 20}, "exact", None),
    "truncated_json": ({}, "exact", "named"),
    "invalid_json": ({}, "exact", "named"),
    "duplicate_page": ({}, "exact", "named"),
    "short_page": ({}, "exact", "named"),
    "empty_page": ({}, "exact", None),
    "slow_body": ({"seconds": 0.2}, "exact", "exact"),
    "missing_weight_header": ({}, "exact", "exact"),
    "low_weight_header": ({}, "exact", "exact"),
    "error_code": ({"status": 400, "code": -1100, "msg": "Illegal"}, "named", "named"),
    "hidden_rows": (HIDDEN, "believed", "believed"),
}
OF_THE_ACCOUNT = {"signed_clock_skew"}
"""Of signed requests alone: tests/integration/test_account.py."""
OF_THE_CLIENT = {"waf_403_html", "geo_451", "rate_429", "ban_418", "clock_skew"}
SYMBOLS = {kind: f"S{number:02d}USDT" for number, kind in enumerate(OF_A_SERIES)}
OPTIONS = ("--datasets", ",".join(PATHS), "--symbols", ",".join(SYMBOLS.values()), "--start", START)
MARKET = """
seed = 1
[[family]]
name = "S{:02d}USDT"
count = 20
price = "5"
tick_size = "0.001"
step_size = "0.01"
usual_quantity = "20"
trades_per_minute = 1
listed = 2025-01-20
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """An exchange of many small symbols."""
    market = tmp_path_factory.mktemp("market") / "market.toml"
    market.write_text(MARKET)
    with warm_simulator(market=market, clock=NOW, clock_mode="frozen", no_limits=True) as made:
        yield made


def truth_of(exchange, symbols):
    start_ms = int(datetime.fromisoformat(START).replace(tzinfo=timezone.utc).timestamp() * 1000)
    return {
        table: pa.concat_tables(
            exchange.truth(table, symbol, interval="1m" if table == "klines" else None, start_ms=start_ms)
            for symbol in symbols
        )
        for table in PATHS
    }


def test_each_kind_of_fault_has_its_line():
    assert set(OF_A_SERIES) | OF_THE_CLIENT | OF_THE_ACCOUNT == {*INSTEAD, *AFTERWARDS, HIDDEN_ROWS}


class Outcome:
    """A run with a fault in each series: by table, the symbols that lack rows, and those that it named."""

    def __init__(self, project, exchange, expectations, **often):
        self.project = project
        self.expected = expectations
        for kind in expectations:
            for path in PATHS.values():
                shape = {} if kind == HIDDEN_ROWS else often
                exchange.add_fault(kind, path=path, symbol=SYMBOLS[kind], **shape, **OF_A_SERIES[kind][0])
        self.done = project.use(exchange).run(*OPTIONS, **QUICK)
        self.struck = {(rule["kind"], rule["path"]) for rule in exchange.faults() if rule["hits"]}
        exchange.clear_faults()
        self.truth = truth_of(exchange, SYMBOLS.values())
        self.lacks = {table: self.symbols(lacking(project, table, self.truth[table])) for table in PATHS}
        self.named = {table: self.symbols(named(self.done, table)) for table in PATHS}

    def symbols(self, series):
        return {name.split()[0] for name in series}

    def assert_as_expected(self, kind):
        expected = self.expected[kind]
        for table, path in PATHS.items():
            # The ids of trades are looked up among the aggregates, so that these faults may come first.
            assert self.struck & {(kind, path), (kind, PATHS["agg_trades"] if table == "trades" else path)}
            assert (SYMBOLS[kind] in self.named[table]) == (expected == "named"), (table, self.done.stdout)
            assert SYMBOLS[kind] not in self.lacks[table] or expected != "exact", table


@pytest.fixture(scope="module")
def passed(many, module_project):
    """Each kind passes after a few requests."""
    kinds = {kind: passing for kind, (_, passing, _) in OF_A_SERIES.items()}
    return Outcome(module_project, many, kinds, after=1, count=2)


@pytest.fixture(scope="module")
def lasted(many, tmp_path_factory):
    """Each kind stays, from the second request on."""
    kinds = {kind: lasting for kind, (_, _, lasting) in OF_A_SERIES.items() if lasting}
    return Outcome(Project(tmp_path_factory.mktemp("lasted") / "project"), many, kinds, after=1, count=None)


@pytest.mark.parametrize("kind", OF_A_SERIES)
def test_a_fault_that_passes_leaves_no_trace(passed, kind):
    passed.assert_as_expected(kind)


@pytest.mark.parametrize("kind", [kind for kind, (_, _, lasting) in OF_A_SERIES.items() if lasting])
def test_a_fault_that_stays_costs_its_series_alone_which_is_named(lasted, kind):
    lasted.assert_as_expected(kind)
    assert "HTTP 400, code -1100: Illegal" in lasted.done.stdout
    assert lasted.done.returncode == 1


def test_rows_that_the_exchange_has_lost_are_all_that_is_missing(passed):
    for table, column in (("klines", "open_time"), ("agg_trades", "trade_time"), ("trades", "trade_time")):
        hidden = f"{column} >= '{HIDDEN['start']}+00' and {column} < '{HIDDEN['end']}+00'"
        symbol = f"symbol = '{SYMBOLS[HIDDEN_ROWS]}'"
        there = passed.project.query(
            f"select count(*) filter (where {hidden}), count(*) from staging.{table} where {symbol}"
        )
        truth = passed.truth[table]
        lost, rows = passed.project.query(
            f"select count(*) filter (where {hidden}), count(*) from truth where {symbol}", truth=truth
        )[0]
        assert lost > 20
        assert there == [(0, rows - lost)]


@pytest.mark.parametrize("outcome", ["passed", "lasted"])
def test_the_next_run_without_faults_completes_what_was_named(request, many, outcome):
    before = request.getfixturevalue(outcome)
    before.project.load(*OPTIONS)
    believed = {SYMBOLS[kind] for kind, expected in before.expected.items() if expected == "believed"}
    for table, truth in before.truth.items():
        assert before.lacks[table] & before.named[table]
        assert before.symbols(lacking(before.project, table, truth)) <= believed


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "waf_403_html", "count": 2}, None),
        ({"kind": "waf_403_html", "count": None}, "refused by the exchange's firewall"),
        ({"kind": "rate_429", "retry_after": 1, "count": 2}, None),
        ({"kind": "ban_418", "seconds": 1}, None),
        ({"kind": "geo_451"}, "does not serve this place"),
        ({"kind": "rate_429", "retry_after": 1, "count": None}, "refuses this IP address"),
    ],
    ids=["waf passes", "waf stays", "429 passes", "418 passes", "451", "429 stays"],
)
def test_a_fault_of_the_whole_client_is_waited_for_or_named(many, project, fault, said):
    symbols = list(SYMBOLS.values())[:3]
    options = ("--datasets", "klines", "--symbols", ",".join(symbols), "--start", START)
    expected = {"klines": truth_of(many, symbols)["klines"]}
    many.reset_stats()
    many.add_fault(**fault, path=PATHS["klines"], after=4)
    done = project.use(many).run(*options, **QUICK, ban_patience_seconds=2.5)
    stats = many.stats()
    many.clear_faults()
    many.reset_limits()
    lacks = assert_exact_or_named(project, done, expected)
    assert stats["requests_while_told_to_wait"] == 0
    assert stats["faults"] > 0
    assert bool(lacks["klines"]) == (said is not None)
    if said is not None:
        assert re.search(rf"^(NOT COMPLETE|ENDED EARLY): .*{said}", done.stdout, re.MULTILINE)
        project.load(*options)
        assert lacking(project, "klines", expected["klines"]) == set()


SKEWS = (3_600_000, -3_600_000)


@pytest.mark.parametrize("skew_ms", SKEWS)
def test_a_clock_that_stays_wrong_is_not_believed_and_ends_the_run(many, project, skew_ms):
    many.add_fault("clock_skew", skew_ms=skew_ms, count=None)
    done = project.use(many).run("--datasets", "klines", "--symbols", SYMBOLS["reset"], "--start", START, **QUICK)
    many.clear_faults()
    assert done.returncode == 1
    assert re.fullmatch(r".*does not answer as Binance does: its clock says \d+ in an answer of \d+.*\n", done.stderr)
    assert not project.database.exists()


def test_a_clock_that_is_wrong_once_is_read_again(many, project):
    for skew_ms in SKEWS:
        many.add_fault("clock_skew", path="/api/v3/time", skew_ms=skew_ms)
    project.use(many).load("--datasets", "klines", "--symbols", SYMBOLS["reset"], "--start", START, **QUICK)
    many.clear_faults()
    project.assert_equals("klines", truth_of(many, [SYMBOLS["reset"]])["klines"])
