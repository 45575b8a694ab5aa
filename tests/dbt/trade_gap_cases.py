"""Missing trades and why they are missing, worked out by hand: each case is a market of its own."""

from gap_rows import MINUTE, MONDAY, agg_trade, id_check, trade, trades_period

UNEXPLAINED, WITHOUT, NEVER = "unexplained", "answered without it", "never answered: not covered"
BETWEEN = "the trades before and after follow each other"
HOLE_3_4 = {
    "trades": [trade(number) for number in (0, 1, 2, 5, 6)],
    "series_periods": [trades_period("asked", 0, 1), trades_period("covered", 0, 1, 0, 7)],
}


def second(number):
    return MONDAY + number * MINUTE / 60


def confirmed(first_id, last_id):
    return [id_check(source, "nothing", hour, first_id, last_id) for source in ("rest", "archive") for hour in (1, 2)]


# What happened: (tables, gaps as (first id, last id, second before, second after, status, the reason's beginning)).
TRADE_CASES = {
    "trades all there": ({"trades": [trade(number) for number in range(9)]}, []),
    "trades of an older database": ({"trades": [trade(0), trade(3)]}, [(1, 2, 0, 3, UNEXPLAINED, NEVER)]),
    "a hole in what was answered": (HOLE_3_4, [(3, 4, 2, 5, UNEXPLAINED, WITHOUT)]),
    # Ids 100 to 109 at both ends of the covered range were answered without rows; beyond it nobody asked.
    "holes at the ends": (
        {"trades": [trade(105, 5), trade(106, 6)], "series_periods": [trades_period("covered", None, None, 100, 110)]},
        [(100, 104, None, 5, UNEXPLAINED, WITHOUT), (107, 109, 6, None, UNEXPLAINED, WITHOUT)],
    ),
    "two periods, and ids between them that nobody asked for": (
        {
            "trades": [trade(0, 0), trade(1, 50), trade(90, 600), trade(91, 601)],
            "series_periods": [
                trades_period("asked", 0, 1),
                trades_period("asked", 10, 11),
                trades_period("covered", 0, 1, 0, 2),
                trades_period("covered", 10, 11, 90, 92),
            ],
        },
        [],
    ),
    "a period of which the middle was never answered": (
        {
            "trades": [trade(0, 0), trade(1, 50), trade(90, 600), trade(91, 601)],
            "series_periods": [
                trades_period("asked", 0, 11),
                trades_period("covered", 0, 1, 0, 2),
                trades_period("covered", 10, 11, 89, 92),
            ],
        },
        [(2, 88, 50, 600, UNEXPLAINED, NEVER), (89, 89, 50, 600, UNEXPLAINED, WITHOUT)],
    ),
    "over midnight": (
        {"trades": [trade(0, -1), trade(1, 1), trade(3, 2)]},
        [(2, 2, 1, 2, UNEXPLAINED, NEVER)],
    ),
    # Id 2 is of the day before, by its time: three runs, and no gap.
    "times that are not in the order of the ids": (
        {"trades": [trade(0, -9), trade(1, 1), trade(2, -1), trade(3, 2)]},
        [],
    ),
    "ids of aggregates without a trade": (
        {"agg_trades": [agg_trade(0, 0, 4), agg_trade(3, 5, 9), agg_trade(5, 11, 12)]},
        [(1, 2, 0, 3, "removed_by_exchange", BETWEEN), (4, 4, 3, 5, UNEXPLAINED, NEVER)],
    ),
    # Each of the trades' own ids is a trade.
    "trades without an id": ({"trades": [trade(4), trade(6)]}, [(5, 5, 4, 6, UNEXPLAINED, NEVER)]),
    "trades confirmed": (
        {**HOLE_3_4, "gap_checks": confirmed(3, 4)},
        [(3, 4, 2, 5, "confirmed_upstream", "REST and the archive have nothing of it; checked 2 times by rest, 2 by")],
    ),
    "trades confirmed in part": (
        {**HOLE_3_4, "gap_checks": confirmed(4, 6)},
        [(3, 3, 2, 5, UNEXPLAINED, WITHOUT), (4, 4, 2, 5, "confirmed_upstream", "REST")],
    ),
    "trades found after nothing": (
        {**HOLE_3_4, "gap_checks": [*confirmed(3, 4), id_check("rest", "found", 3, 4, 9)]},
        [(3, 4, 2, 5, UNEXPLAINED, WITHOUT)],
    ),
    "the other dataset checked": (
        {**HOLE_3_4, "gap_checks": [{**row, "dataset": "agg_trades"} for row in confirmed(3, 4)]},
        [(3, 4, 2, 5, UNEXPLAINED, WITHOUT)],
    ),
}
