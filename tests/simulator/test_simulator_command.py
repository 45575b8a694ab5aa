"""The command: options, readiness, end, and the same market in every process."""

import signal
import socket
import subprocess
import sys

import pytest
import requests

from exchange_simulator.cli import main

COMMAND = [sys.executable, "-m", "exchange_simulator"]
BAD_MARKETS = [
    ("seed = 1", "no [[symbol]]"),
    ("[[symbol]]\nname = 'AUSDT'", "is missing"),
    ("[[symbol]\n", "not valid TOML"),
]
SYMBOL = """
[[symbol]]
name = "AUSDT"
base_asset = "A"
quote_asset = "USDT"
price = "{price}"
tick_size = "{tick}"
usual_quantity = "{quantity}"
listed = {listed}
{more}
"""
GOOD = {"price": "5", "tick": "0.001", "quantity": "20", "listed": "2025-01-01", "more": ""}


def assert_is_refused(options, words, capsys):
    """The command says one line with these words on stderr, nothing on stdout, and ends with 2."""
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(main(options))
    out, error = capsys.readouterr()
    assert (ended.value.code, out, len(error.splitlines())) == (2, "", 1)
    assert words in error


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--port"),
        (["--port", "x"], "--port"),
        (["--port", "99999"], "99999"),
        (["--port", "0", "--market", "nowhere.toml"], "nowhere.toml"),
        (["--port", "0", "--clock", "yesterday"], "ISO datetime"),
        (["--port", "0", "--clock-mode", "lunar"], "lunar"),
        (["--port", "0", "--latency-ms", "-1"], "less than 0"),
        (["--port", "0", "--weight-limit", "0"], "less than 1"),
        (["--port", "0", "--recordings", "/nonexistent"], "is not a folder"),
        (["--port", "0", "--colour", "red"], "--colour"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(options, words, capsys):
    assert_is_refused(options, words, capsys)


def test_the_command_itself_ends_with_exit_2():
    done = subprocess.run([*COMMAND, "--port", "x"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        *BAD_MARKETS,
        (SYMBOL.format(**{**GOOD, "tick": "0.003"}), "tick_size"),
        (SYMBOL.format(**{**GOOD, "price": "0.001"}), "20 ticks"),
        (SYMBOL.format(**{**GOOD, "more": "colour = 'red'"}), "unknown key colour"),
        (SYMBOL.format(**{**GOOD, "more": "trades_per_minute = 'many'"}), "trades_per_minute"),
        (SYMBOL.format(**{**GOOD, "listed": "2025-01-01T00:00:30Z"}), "whole minutes"),
        (SYMBOL.format(**GOOD) * 2, "used twice"),
        (SYMBOL.format(**{**GOOD, "quantity": "90000000000"}), "quote volume"),
    ],
)
def test_a_bad_market_file_is_one_line_and_exit_2(tmp_path, content, words, capsys):
    file = tmp_path / "market.toml"
    file.write_text(content)
    assert_is_refused(["--port", "0", "--market", str(file)], words, capsys)


def test_a_port_in_use_is_one_line_and_exit_2(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_is_refused(["--port", port], port, capsys)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_one_line_when_ready_and_ends_at_once_on_a_signal(number):
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--market", "tests"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    line = process.stdout.readline()
    assert line.startswith("exchange_simulator listening on http://127.0.0.1:")
    url = line.split()[-1]
    session = requests.Session()
    session.trust_env = False
    session.post(f"{url}/simulator/faults", json={"kind": "stall"})
    with pytest.raises(requests.Timeout):
        session.get(f"{url}/api/v3/ping", timeout=0.3)
    process.send_signal(number)
    out, error = process.communicate(timeout=5)
    assert (process.returncode, out, error) == (0, "", "")


def test_two_processes_serve_the_same_market_in_any_order_of_asking(start):
    options = {"market": "tests", "clock": "2025-02-01T00:00:00", "clock_mode": "frozen"}
    first, second = start(**options), start(**options)
    asked = [
        ("klines", {"symbol": "BTCUSDT", "interval": "1h", "startTime": 1736000000000}),
        ("aggTrades", {"symbol": "TOMBUSDT", "fromId": 5000}),
        ("historicalTrades", {"symbol": "TINYUSDT", "fromId": 12345}),
        ("ticker/24hr", {}),
        ("klines", {"symbol": "OUTAGEUSDT", "interval": "1M"}),
        ("depth", {"symbol": "ETHUSDT"}),
    ]
    answers = [first.ask(path, **params).content for path, params in asked]
    backwards = [second.ask(path, **params).content for path, params in reversed(asked)]
    assert answers == backwards[::-1]
    third = start(**options, seed=8)
    assert third.ask(*asked[0][:1], **asked[0][1]).content != answers[0]


def test_the_market_does_not_depend_on_what_was_asked_before_or_on_the_memory_it_may_use(start):
    options = {"market": "tests", "clock": "2025-02-01T00:00:00", "clock_mode": "frozen", "no_limits": True}
    small, large = start(**options, cache_mb=1), start(**options)
    for path in ("klines", "aggTrades"):
        extra = {"interval": "1m"} if path == "klines" else {}
        for begin in (1736500000000, 1735000000000, 1736500000000):
            ask = {"symbol": "ETHUSDT", "startTime": begin, "limit": 1000, **extra}
            assert small.ask(path, **ask).content == large.ask(path, **ask).content


def test_a_market_that_does_not_start_raises_its_message(start):
    with pytest.raises(RuntimeError, match="nowhere"):
        start(market="nowhere.toml")
