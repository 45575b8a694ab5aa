"""Missing candles and why they are missing, worked out by hand: each case is a market of its own."""

from datetime import timedelta

from gap_rows import (
    MONDAY,
    answered,
    asked,
    at,
    candle,
    candles,
    check,
    confirmations,
    covered,
    listing,
    symbol_row,
)

DAY, HOUR = 1_440, 60
MISSING_3_4 = {"klines": candles(0, 1, 2, *range(5, 10)), "series_periods": answered(0, 10)}
UNEXPLAINED, WITHOUT, NEVER = "unexplained", "answered without it", "never answered: not covered"
ALIVE = [symbol_row("A"), symbol_row("Z")]


def february(day, hour=0, minute=0):
    return MONDAY.replace(year=2020, month=2, day=day, hour=hour, minute=minute)


# What happened: (staging tables, gaps as (symbol, interval, start, end, status, the reason's beginning)).
CASES = {
    "all there": ({"klines": candles(*range(10)), "series_periods": answered(0, 10)}, []),
    "an answer without two candles": (MISSING_3_4, [("A", "1m", 3, 5, UNEXPLAINED, WITHOUT)]),
    "no answer": (
        {"klines": candles(0, 1), "series_periods": [asked(0, 10), covered(0, 2)]},
        [("A", "1m", 2, 10, UNEXPLAINED, NEVER)],
    ),
    "a gap of which the first half was answered": (
        {"klines": candles(0, 9), "series_periods": [asked(0, 10), covered(0, 5)]},
        [("A", "1m", 1, 5, UNEXPLAINED, WITHOUT), ("A", "1m", 5, 9, UNEXPLAINED, NEVER)],
    ),
    # The candle of minute 9 closes after the period's end, that of minute 0 opens before its start.
    "a period that begins and ends within a candle": (
        {"klines": candles(*range(1, 9)), "series_periods": answered(0.5, 9.5)},
        [],
    ),
    # Coverage ends with the open time of the last candle.
    "coverage to within a candle": (
        {"klines": candles(0, 1), "series_periods": [asked(0, 3), covered(0, at(1) + timedelta(milliseconds=1))]},
        [("A", "1m", 2, 3, UNEXPLAINED, NEVER)],
    ),
    "candles that nobody asked for": (
        {"klines": candles(0, 1, 5), "series_periods": answered(0, 2)},
        [],
    ),
    "two periods, and a hole that nobody asked for": (
        {"klines": candles(0, 9), "series_periods": [*answered(0, 2), *answered(8, 10)]},
        [("A", "1m", 1, 2, UNEXPLAINED, WITHOUT), ("A", "1m", 8, 9, UNEXPLAINED, WITHOUT)],
    ),
    "an older database": ({"klines": candles(0, 1, 5)}, [("A", "1m", 2, 5, UNEXPLAINED, NEVER)]),
    "nothing at all was ever answered": ({"series_periods": [asked(0, 10)]}, [("A", "1m", 0, 10, UNEXPLAINED, NEVER)]),
    "listed in the middle": (
        {"klines": candles(*range(4, 10)), "series_periods": answered(0, 10), "listings": [listing(4)]},
        [("A", "1m", 0, 4, "not_listed", "before the exchange's first candle of it, 2024-03-04 00:04")],
    ),
    # A listing is proof, whether the time before it was answered or not; a hole after it is none of it.
    "listed in the middle, never answered before": (
        {"klines": candles(6), "series_periods": [asked(0, 7), covered(6, 7)], "listings": [listing(4)]},
        [("A", "1m", 0, 4, "not_listed", "before"), ("A", "1m", 4, 6, UNEXPLAINED, NEVER)],
    ),
    "listed within an hour": (
        {
            "klines": candles(HOUR, interval="1h"),
            "series_periods": answered(0, 3 * HOUR, interval="1h"),
            "listings": [listing(HOUR + 17)],
        },
        [("A", "1h", 0, HOUR, "not_listed", "before"), ("A", "1h", 2 * HOUR, 3 * HOUR, UNEXPLAINED, WITHOUT)],
    ),
    "announced, and never traded until it was looked for": (
        {"series_periods": answered(0, 12), "listings": [listing(None, checked=10)]},
        [("A", "1m", 0, 10, "not_listed", "the exchange has no candle"), ("A", "1m", 10, 12, UNEXPLAINED, WITHOUT)],
    ),
    # The daily candle says that it was listed by midnight at the latest, not from which minute on.
    "no listing known": (
        {
            "klines": [*candles(2, 3), *candles(0, interval="1d")],
            "series_periods": [asked(-9, 4), covered(-5, 4), *answered(0, DAY, interval="1d")],
        },
        [
            ("A", "1m", -9, -5, UNEXPLAINED, NEVER),
            ("A", "1m", -5, 0, "not_listed", "before the first candle"),
            ("A", "1m", 0, 2, UNEXPLAINED, WITHOUT),
        ],
    ),
    "delisted": (
        {
            "klines": candles(0, 1, 3),
            "series_periods": [asked(0, 10), covered(0, 8)],
            "symbols": [symbol_row("A", "BREAK"), symbol_row("Z")],
        },
        [
            ("A", "1m", 2, 3, UNEXPLAINED, WITHOUT),
            ("A", "1m", 4, 8, "delisted", "after the last candle: exchangeInfo says BREAK"),
            ("A", "1m", 8, 10, UNEXPLAINED, NEVER),
        ],
    ),
    "no longer in exchangeInfo": (
        {
            "klines": candles(0),
            "series_periods": answered(0, 5),
            "symbols": [symbol_row("A", updated=3), symbol_row("Z")],
        },
        [("A", "1m", 1, 5, "delisted", "after the last candle: exchangeInfo no longer has the symbol")],
    ),
    "never in exchangeInfo, but the exchange was asked before the last candle": (
        {"klines": candles(0, 1), "series_periods": answered(0, 5), "symbols": [symbol_row("Z", updated=1)]},
        [("A", "1m", 2, 5, UNEXPLAINED, WITHOUT)],
    ),
    "trading": (
        {"klines": candles(0), "series_periods": answered(0, 5), "symbols": ALIVE},
        [("A", "1m", 1, 5, UNEXPLAINED, WITHOUT)],
    ),
    "halted, which makes candles": (
        {"klines": candles(0), "series_periods": answered(0, 5), "symbols": [symbol_row("A", "HALT"), symbol_row("Z")]},
        [("A", "1m", 1, 5, UNEXPLAINED, WITHOUT)],
    ),
    "maintenance of the whole exchange": (
        {"klines": candles(0), "series_periods": answered(0, 5), "symbols": [symbol_row("A", "BREAK")]},
        [("A", "1m", 1, 5, UNEXPLAINED, WITHOUT)],
    ),
    "of the archive alone": (
        {"klines": candles(0, 2, source="data/x.zip"), "series_periods": answered(0, 5)},
        [
            ("A", "1m", 1, 2, UNEXPLAINED, WITHOUT),
            ("A", "1m", 3, 5, "delisted", "after the last candle: only the archive has the symbol"),
        ],
    ),
    "of the archive, and once of REST": (
        {"klines": [candle(0, source="data/x.zip"), candle(1)], "series_periods": answered(0, 5)},
        [("A", "1m", 2, 5, UNEXPLAINED, WITHOUT)],
    ),
    "all symbols miss it": (
        {
            "klines": [*candles(0, 1, 2, 8, 9), *candles(0, 1, 2, 6, 7, 8, 9, symbol="B")],
            "series_periods": answered(0, 10, "A", "B"),
        },
        [
            ("A", "1m", 3, 6, "exchange_outage", "no symbol that was asked for has it; missing in at least 2 symbols"),
            ("A", "1m", 6, 8, UNEXPLAINED, WITHOUT),
            ("B", "1m", 3, 6, "exchange_outage", "no symbol that was asked for has it; missing in at least 2 symbols"),
        ],
    ),
    # C was never answered, D not yet listed, E dead: none of them speaks for or against the outage, nor is it theirs.
    "symbols that cannot say": (
        {
            "klines": [row for s in "AB" for row in candles(0, 1, 5, symbol=s)]
            + candles(0, symbol="C")
            + candles(5, symbol="D")
            + candles(0, symbol="E"),
            "series_periods": [*answered(0, 6, "A", "B", "D", "E"), asked(0, 6, "C"), covered(0, 1, "C")],
            "listings": [listing(5, "D")],
            "symbols": [*(symbol_row(s) for s in "ABCD"), symbol_row("E", "BREAK")],
        },
        [
            ("A", "1m", 2, 5, "exchange_outage", "no symbol"),
            ("B", "1m", 2, 5, "exchange_outage", "no symbol"),
            ("C", "1m", 1, 6, UNEXPLAINED, NEVER),
            ("D", "1m", 0, 5, "not_listed", "before"),
            ("E", "1m", 1, 6, "delisted", "after"),
        ],
    ),
    "one symbol has it": (
        {
            "klines": [*candles(0, 3), *candles(0, 3, symbol="B"), *candles(*range(4), symbol="C")],
            "series_periods": answered(0, 4, "A", "B", "C"),
        },
        [("A", "1m", 1, 3, UNEXPLAINED, WITHOUT), ("B", "1m", 1, 3, UNEXPLAINED, WITHOUT)],
    ),
    # The exchange gave a row, if a bad one: it was not down.
    "one symbol's row was rejected": (
        {
            "klines": [*candles(0, 3), *candles(0, 3, symbol="B"), *candles(1, symbol="B", low=0)],
            "series_periods": answered(0, 4, "A", "B"),
        },
        [
            ("A", "1m", 1, 2, UNEXPLAINED, WITHOUT),
            ("A", "1m", 2, 3, "exchange_outage", "no symbol"),
            ("B", "1m", 1, 2, UNEXPLAINED, "a row was rejected: price_not_positive"),
            ("B", "1m", 2, 3, "exchange_outage", "no symbol"),
        ],
    ),
    "a third symbol joins in the middle of an outage": (
        {
            "klines": [*candles(0, 9), *candles(0, 9, symbol="B"), *candles(9, symbol="C")],
            "series_periods": [*answered(0, 10, "A", "B"), *answered(5, 10, "C")],
            "listings": [listing(-DAY, "C")],
        },
        [(s, "1m", 5 if s == "C" else 1, 9, "exchange_outage", "no symbol") for s in "ABC"],
    ),
    # Of the hour, candles of 20 minutes are there: a candle of the hour is, or something is wrong with it.
    "an outage shorter than the hour": (
        {
            "klines": [row for s in "AB" for row in candles(*range(20), *range(50, 60), symbol=s)]
            + candles(0, interval="1h"),
            "series_periods": [*answered(0, HOUR, "A", "B"), *answered(0, HOUR, "A", interval="1h")],
        },
        [("A", "1m", 20, 50, "exchange_outage", "no symbol"), ("B", "1m", 20, 50, "exchange_outage", "no symbol")],
    ),
    "confirmed": (
        {**MISSING_3_4, "gap_checks": confirmations(3, 5)},
        [("A", "1m", 3, 5, "confirmed_upstream", "REST and the archive have nothing of it; checked 2 times by rest")],
    ),
    "confirmed in part": (
        {**MISSING_3_4, "gap_checks": confirmations(2, 4)},
        [("A", "1m", 3, 4, "confirmed_upstream", "REST"), ("A", "1m", 4, 5, UNEXPLAINED, WITHOUT)],
    ),
    "checked too close in time": (
        {
            **MISSING_3_4,
            "gap_checks": [
                check(source, "nothing", hour, 3, 5) for source in ("rest", "archive") for hour in (1, 1.5, 1.99)
            ],
        },
        [("A", "1m", 3, 5, UNEXPLAINED, WITHOUT + "; checked 3 times by rest, 3 by archive")],
    ),
    "the archive checked only once": (
        {**MISSING_3_4, "gap_checks": confirmations(3, 5)[:3]},
        [("A", "1m", 3, 5, UNEXPLAINED, WITHOUT + "; checked 2 times by rest, 1 by archive")],
    ),
    "not yet published by the archive": (
        {
            **MISSING_3_4,
            "gap_checks": [*confirmations(3, 5)[:3], check("archive", "unpublished", 9, 3, 5)],
        },
        [("A", "1m", 3, 5, UNEXPLAINED, WITHOUT + "; checked 2 times by rest, 1 by archive")],
    ),
    "found after nothing": (
        {**MISSING_3_4, "gap_checks": [*confirmations(3, 5), check("rest", "found", 3, 4, 6)]},
        [("A", "1m", 3, 5, UNEXPLAINED, WITHOUT)],
    ),
    "nothing more after it was found": (
        {**MISSING_3_4, "gap_checks": [check("rest", "found", 1, 3, 6), *confirmations(3, 5)]},
        [("A", "1m", 3, 5, "confirmed_upstream", "REST")],
    ),
    "found elsewhere": (
        {
            **MISSING_3_4,
            "gap_checks": [
                *confirmations(3, 5),
                check("rest", "found", 3, 5, 6),
                check("rest", "found", 3, 3, 5, symbol="B"),
                check("rest", "found", 3, 3, 5, interval="1h"),
            ],
        },
        [("A", "1m", 3, 5, "confirmed_upstream", "REST")],
    ),
    "rejected": (
        {"klines": [*candles(0, 1, 4), *candles(2, low=0)], "series_periods": answered(0, 5)},
        [
            ("A", "1m", 2, 3, UNEXPLAINED, "a row was rejected: price_not_positive"),
            ("A", "1m", 3, 4, UNEXPLAINED, WITHOUT),
        ],
    ),
    # Off the grid by 28 seconds: each makes the minute that it opens in present; two are in one.
    "off the grid": (
        {
            "klines": candles(0, 1 + 28 / 60, 2 + 28 / 60, 2 + 58 / 60, 4),
            "series_periods": answered(0, 5),
        },
        [("A", "1m", 3, 4, UNEXPLAINED, WITHOUT)],
    ),
    # Monday the 4th begins a week; February 2024 has 29 days; three days are counted from 1970-01-01.
    "weeks": (
        {
            "klines": candles(0, 21 * DAY, interval="1w"),
            "series_periods": answered(-1, 28 * DAY + 1, interval="1w"),
        },
        [("A", "1w", 7 * DAY, 21 * DAY, UNEXPLAINED, WITHOUT)],
    ),
    "months": (
        {
            "klines": [
                candle(MONDAY.replace(year=2023, month=12, day=1), interval="1M"),
                candle(MONDAY.replace(month=3, day=1), interval="1M"),
            ],
            "series_periods": answered(
                MONDAY.replace(year=2023, month=11, day=20), MONDAY.replace(month=4, day=30), interval="1M"
            ),
        },
        [
            (
                "A",
                "1M",
                MONDAY.replace(month=1, day=1),
                MONDAY.replace(month=3, day=1),
                UNEXPLAINED,
                WITHOUT,
            )
        ],
    ),
    # 2024-03-04 is 19786 = 3 * 6595 + 1 days after 1970-01-01: three days begin on the 3rd, the 6th, the 9th.
    "three days": (
        {"klines": candles(-DAY, interval="3d"), "series_periods": answered(-DAY, 8 * DAY, interval="3d")},
        [("A", "3d", 2 * DAY, 8 * DAY, UNEXPLAINED, WITHOUT)],
    ),
    "eight months": (
        {"klines": candles(0, 240 * DAY), "series_periods": answered(0, 240 * DAY + 1)},
        [("A", "1m", 1, 240 * DAY, UNEXPLAINED, WITHOUT)],
    ),
    # The seed has 11:36 to 17:30 and is padded by two minutes; only whole hours are within it.
    "spot": (
        {
            "klines": [
                *candles(february(19, 11, 29), february(19, 17, 33)),
                *candles(february(19, 10), february(19, 18), interval="1h"),
                *candles(february(19), february(20), interval="1d"),
            ],
            "series_periods": [
                *answered(february(19, 11, 29), february(19, 17, 34)),
                *answered(february(19, 10), february(19, 19), interval="1h"),
                *answered(february(19), february(21), interval="1d"),
            ],
        },
        [
            ("A", "1h", february(19, 11), february(19, 12), UNEXPLAINED, WITHOUT),
            (
                "A",
                "1h",
                february(19, 12),
                february(19, 17),
                "exchange_outage",
                "known outage of the exchange, 2020-02-19 11:36 to 2020-02-19 17:30",
            ),
            ("A", "1h", february(19, 17), february(19, 18), UNEXPLAINED, WITHOUT),
            ("A", "1m", february(19, 11, 30), february(19, 11, 34), UNEXPLAINED, WITHOUT),
            ("A", "1m", february(19, 11, 34), february(19, 17, 32), "exchange_outage", "known outage"),
            ("A", "1m", february(19, 17, 32), february(19, 17, 33), UNEXPLAINED, WITHOUT),
        ],
    ),
}

# By case: (interval, day, expected, present, explained, unexplained).
DAYS = {
    "all there": [("1m", 0, 10, 10, 0, 0)],
    "an answer without two candles": [("1m", 0, 10, 8, 0, 2)],
    "confirmed": [("1m", 0, 10, 8, 2, 0)],
    "listed in the middle": [("1m", 0, 6, 6, 0, 0)],
    "delisted": [("1m", 0, 6, 3, 0, 3)],
    "candles that nobody asked for": [("1m", 0, 3, 3, 0, 0)],
    "announced, and never traded until it was looked for": [("1m", 0, 2, 0, 0, 2)],
    "no listing known": [("1d", 0, 1, 1, 0, 0), ("1m", -DAY, 4, 0, 0, 4), ("1m", 0, 4, 2, 0, 2)],
    "off the grid": [("1m", 0, 5, 4, 0, 1)],
    "weeks": [("1w", 7 * days * DAY, 1, int(days in (0, 3)), 0, int(days in (1, 2))) for days in range(4)],
    "three days": [("3d", -DAY, 1, 1, 0, 0), ("3d", 2 * DAY, 1, 0, 0, 1), ("3d", 5 * DAY, 1, 0, 0, 1)],
    # 11:29 to 17:33 are 365 minutes, of which two are there and 11:34 to 17:31 an outage.
    "spot": [
        ("1d", february(19), 1, 1, 0, 0),
        ("1d", february(20), 1, 1, 0, 0),
        ("1h", february(19), 9, 2, 5, 2),
        ("1m", february(19), 365, 2, 358, 5),
    ],
}
