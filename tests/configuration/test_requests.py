"""A request that is wrong is refused with the nearest right one, before anything is fetched."""

import pytest

ARGUMENTS = ("--datasets", "klines", "--symbols", "BTCUSDT", "--start", "2025-02-11")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--symbols", "BTCUSD"), "unknown symbol 'BTCUSD'; did you mean BTCUSDT"),
        (("--symbols", "btcusdt"), "unknown symbol 'btcusdt'; did you mean BTCUSDT"),
        (("--symbols", "BTCUSDT,"), "symbols must not be empty"),
        (("--intervals", "1min"), "unknown interval '1min'; did you mean 1m"),
        (("--intervals", "1H"), "unknown interval '1H'; did you mean 1h"),
        (("--datasets", "candles"), "unknown dataset 'candles'"),
        (("--market", "coin"), "unknown market 'coin'; there are spot, um"),
        (("--start", "2025-02-30"), "start '2025-02-30' is not a date; write 2024-01-31"),
        (("--end", "2025-02-01"), "start 2025-02-11 is not before end 2025-02-01"),
        (("--start", "2031-01-01"), "start is not before the exchange's present time"),
    ],
)
def test_a_wrong_option_is_refused(command, exchange, options, said):
    done = command.run(*ARGUMENTS, *options)
    command.assert_refused(done, 2, said)
    assert "set by" not in done.stderr
    assert not command.database.exists()
    assert "/api/v3/klines" not in exchange.stats()["requests_by_path"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"symbols": "BTCUSD"}, "unknown symbol 'BTCUSD'; did you mean BTCUSDT"),
        ({"symbols": "X*"}, "no symbol matches 'X*'; patterns are case-sensitive"),
        ({"intervals": '["1m", "1H"]'}, "unknown interval '1H'; did you mean 1h or"),
        ({"intervals": "1m,1H"}, "unknown interval '1H'; did you mean 1h or"),
        ({"datasets": "klines,candles"}, "unknown dataset 'candles'"),
    ],
)  # fmt: skip
def test_a_wrong_name_that_is_configured_is_refused_with_its_place(command, settings, said):
    (key,) = settings
    done = command.run("--start", "2025-02-11", **settings)
    command.assert_refused(done, 2, said, f"(set by the variable SOURCES__BINANCE__{key.upper()})")
    assert not command.database.exists()


@pytest.mark.parametrize("key", ["symbols", "intervals", "datasets"])
@pytest.mark.parametrize("value", ["[]", '""', "5", "true", "[1, 2]", '["A", ""]', "[[]]", "{A = 1}", "2025-01-01"])
def test_what_is_no_list_of_names_is_refused(command, exchange, key, value):
    command.set(key, value)
    done = command.run()
    command.assert_refused(
        done, 2, f"sources.binance.{key} is ", "; it must be a list of names", f"(set by {command.config})"
    )
    assert exchange.stats()["requests"] == 0


@pytest.mark.parametrize("value", ['["1m"', "[]", "[1]", ",", " "])
def test_a_variable_that_is_no_list_of_names_is_refused(command, exchange, value):
    done = command.run(intervals=value)
    command.assert_refused(
        done, 2, "sources.binance.intervals is ", "(set by the variable SOURCES__BINANCE__INTERVALS); or give --interv"
    )
    assert exchange.stats()["requests"] == 0


def test_a_list_that_is_nowhere_is_asked_for(command):
    command.config.write_text(command.default.replace("intervals =", "# intervals ="))
    done = command.run()
    command.assert_refused(done, 2, "no intervals: give --intervals A,B or set intervals under [sources.binance]")


def test_a_share_too_small_for_any_request_is_refused(command):
    done = command.run(*ARGUMENTS, weight_share="0.0001")
    command.assert_refused(done, 1, "raise sources.binance.weight_share, which is 0.0001")
