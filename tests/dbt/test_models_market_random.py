"""Whatever is loaded in whatever order, incremental builds hold what a full refresh makes of it."""

import random
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from conftest import MARKET_MODELS
from market_rows import (
    account_trade,
    balance,
    candle,
    connected,
    funding,
    instrument,
    interest,
    kline,
    mark,
    product,
    symbol,
    ticker,
)
from staging_tables import STAGING

BUILT = ("klines", "rejected_klines", "dim_symbols", *(model.split(".")[1] for model in MARKET_MODELS))
# Minutes around a midnight, so that days have a beginning and an end.
MINUTES = range(24 * 60 - 6, 24 * 60 + 7)
SPOT = {"BTCUSDT": ("BTC", "USDT"), "ADABTC": ("ADA", "BTC"), "USDTTRY": ("USDT", "TRY"), "ADAUSDT": ("ADA", "USDT")}
CONTRACTS = {"BTCUSDT": ("BTC", "USDT"), "1000SHIBUSDT": ("1000SHIB", "USDT"), "ADAUSDT_240329": ("ADA", "USDT")}
PAIRS = {"BTC-USDT": ("BTC", "USDT"), "ADA-USDT": ("ADA", "USDT"), "BTC-USD": ("BTC", "USD")}
CONNECTED = (
    ("binance", "spot", {**SPOT, "GONEUSDT": ("GONE", "USDT")}),
    ("binance", "um", CONTRACTS),
    ("coinbase", "spot", {**PAIRS, "NEW-USDT": ("NEW", "USDT")}),
    ("okx", "spot", PAIRS),
    ("okx", "swap", {"NEW-USDT": (None, None)}),
)
# The kind of file that brings each of these tables, and the time of its rows.
FILES = {
    "klines": ("spot", "klines", "open_time"),
    "mark_price_klines": ("um", "markPriceKlines", "open_time"),
    "funding_rates": ("um", "fundingRate", "funding_time"),
    "open_interest": ("um", "metrics", "open_interest_time"),
}

TABLES = (
    *("klines", "symbols", "archive_files", "tickers_24h", "mark_price_klines", "funding_rates", "open_interest"),
    *("account_balances", "account_trades", "coinbase_candles", "coinbase_products", "okx_candles", "okx_instruments"),
    "connected_symbols",
)


@dataclass
class Loads:
    """Random loads, one after the other."""

    rng: random.Random
    number: int = 0
    files: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)

    def rows(self, make, most):
        return [make() for _ in range(self.rng.randrange(1, most + 1))]

    def prices(self):
        low, open_, close, high = sorted(self.rng.sample(range(90, 120), 4))
        # One in eight is not between low and high.
        low = self.rng.choice([low] * 7 + [high + 1])
        return f"{open_} {high} {low} {close}"

    def minute(self):
        return self.rng.choice(MINUTES)

    def kline(self):
        name = self.rng.choice([*SPOT, *SPOT, "GONEUSDT"])
        changes = self.rng.choice([{}, {}, {}, {"market": "um"}, {"interval": "5m"}])
        return kline(name, self.minute(), self.prices(), self.rng.choice("0123"), **changes)

    def candle(self):
        changes = self.rng.choice([{}, {}, {"interval": "5m"}])
        return candle(
            self.rng.choice([*PAIRS, *PAIRS, "NEW-USDT"]),
            self.minute(),
            self.prices(),
            self.rng.choice("0123"),
            **changes,
        )

    def okx_candle(self):
        return {**self.candle(), "quote_volume": Decimal(self.rng.randrange(300))}

    def mark(self):
        return mark(self.rng.choice([*CONTRACTS]), self.minute(), str(self.rng.randrange(90, 120)))

    def funding(self):
        # Hours in no order over some days, a few of them far from the others.
        hours = self.rng.choice([*range(0, 200, 6), 23, 25])
        changes = self.rng.choice([{}, {"funding_interval_hours": 8}, {"mark_price": Decimal(100)}])
        return funding(self.rng.choice(["BTCUSDT", "ALICEUSDT"]), hours, f"0.000{self.rng.randrange(10)}", **changes)

    def interest(self):
        return interest(
            "BTCUSDT",
            self.rng.choice(["5m", "1h"]),
            5 * self.rng.randrange(280, 296),
            str(self.rng.randrange(1, 99)),
            "5",
        )

    def balances(self):
        minute = self.minute() + self.rng.choice([0, 0.5, 24 * 60 * 8])
        return [
            balance(minute, asset, str(self.rng.randrange(3)))
            for asset in self.rng.sample(["USDT", "BTC", "ADA", "TRY", "NFT"], 3)
        ]

    def account_trade(self):
        return account_trade(self.rng.randrange(9), str(self.rng.randrange(90, 99)))

    def ticker(self):
        return ticker(self.rng.choice([*SPOT]), self.minute(), str(self.rng.randrange(3)))

    def metadata(self, warehouse):
        """Some of the venues' metadata, in the place of what they said before; now and then with another asset."""
        share = 0.9 if self.number == 1 else 0.5
        rows = {
            "symbols": [
                *(symbol(name, *self.assets(pair)) for name, pair in SPOT.items() if self.rng.random() < 0.5),
                *(
                    symbol(name, *self.assets(pair), market="um")
                    for name, pair in CONTRACTS.items()
                    if self.rng.random() < share
                ),
            ],
            "coinbase_products": [
                product(name, *self.assets(pair)) for name, pair in PAIRS.items() if self.rng.random() < share
            ],
            "okx_instruments": [
                instrument(name, *self.assets(pair), kind=self.rng.choice(["SPOT"] * 9 + ["SWAP"]))
                for name, pair in PAIRS.items()
                if self.rng.random() < share
            ],
        }
        rows["connected_symbols"] = [
            connected(venue, market, name, *self.rng.choice([self.assets(pair), (None, None)]))
            for venue, market, pairs in CONNECTED
            for name, pair in pairs.items()
            if self.rng.random() < 0.3
        ]
        for table, new in rows.items():
            keys = [key for key in ("venue", "market", "symbol") if key in STAGING[table]]
            for row in new:
                same = " and ".join(f"{key} = '{row[key]}'" for key in keys)
                warehouse.query(f"delete from staging.{table} where {same}")
        return rows

    def assets(self, pair):
        return pair if self.rng.random() < 0.8 else ("XBT", pair[1])

    def with_files(self, tables, load_id, warehouse):
        """The same rows, some as those of files, and these now and then as new versions that replace what was there."""
        files = []
        for table, (market, kind, time) in FILES.items():
            for row in tables[table]:
                interval = row.get("interval")
                if self.rng.random() < 0.5 or row.get("market", market) != market or interval == "5m":
                    continue
                stem = f"{row['symbol']}-{interval or kind}-{row[time]:%Y-%m-%d}"
                row["source"] = path = f"data/{market}/daily/{kind}/{row['symbol']}/{stem}.zip"
                if any(file["path"] == path for file in files):
                    continue
                replaced = self.files.get(path) if self.rng.random() < 0.5 else None
                self.files[path] = load_id
                if replaced:
                    self.revisions[path] = self.revisions.get(path, 1) + 1
                warehouse.query("delete from staging.archive_files where path = ?", path)
                files.append(
                    {
                        "path": path,
                        "market": market,
                        "dataset": table,
                        "symbol": row["symbol"],
                        "interval": interval,
                        "status": "loaded",
                        "revision": self.revisions.get(path, 1),
                        "replaced_load_id": replaced,
                    }
                )
        return {**tables, "archive_files": files}

    def next(self, warehouse):
        """Load some rows of every table."""
        self.number += 1
        load_id = f"17637000{self.number:02}.5"
        tables = {
            "klines": self.rows(self.kline, 80),
            "coinbase_candles": self.rows(self.candle, 50),
            "okx_candles": self.rows(self.okx_candle, 50),
            "mark_price_klines": self.rows(self.mark, 40),
            "funding_rates": self.rows(self.funding, 20),
            "open_interest": self.rows(self.interest, 10),
            "account_balances": [row for rows in self.rows(self.balances, 3) for row in rows],
            "account_trades": self.rows(self.account_trade, 8),
            "tickers_24h": self.rows(self.ticker, 8),
        }
        # Each pipeline loads what it has, and is not always run.
        tables = {table: rows if self.rng.random() < 0.8 else [] for table, rows in tables.items()}
        tables = self.with_files(tables, load_id, warehouse)
        if self.number == 1 or self.rng.random() < 0.5:
            tables |= self.metadata(warehouse)
        warehouse.load(load_id, **tables)
        # What a crash leaves behind counts for nothing.
        warehouse.load(
            f"17637000{self.number:02}.9", complete=False, klines=[self.kline()], okx_candles=[self.okx_candle()]
        )


def check(warehouse, folder, rng, builds, compare_each=False):
    loads = Loads(rng)
    # All tables are there, so that the staging views need be made but once.
    warehouse.load("1763700000.1", **{table: [] for table in TABLES})
    for number in range(builds):
        for _ in range(rng.randrange(1, 3)):
            loads.next(warehouse)
        # Sometimes a part is built by itself, and the rest later.
        if number and rng.random() < 0.3:
            warehouse.build("--select", *rng.sample(BUILT, 4), models_only=True)
        warehouse.build("--select", *(BUILT if number else [f"+{model}" for model in BUILT]), models_only=True)
        if not compare_each and number + 1 < builds:
            continue
        refreshed = warehouse.copy(folder / f"refreshed_{number}", warehouse.path.name)
        refreshed.build("--select", *BUILT, "--full-refresh", models_only=True)
        for model in BUILT:
            schema = "gold" if f"gold.{model}" in (*MARKET_MODELS, "gold.dim_symbols") else "silver"
            query = f"select * from {schema}.{model} order by all"
            assert warehouse.query(query) == refreshed.query(query), (model, number)


def test_incremental_builds_hold_what_a_full_refresh_makes(new_warehouse, tmp_path, seed):
    check(new_warehouse(whole=True), tmp_path, random.Random(f"{seed}-0"), 3)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(1, 9))
def test_many_incremental_builds_hold_what_a_full_refresh_makes(new_warehouse, tmp_path, seed, number):
    check(new_warehouse(whole=True), tmp_path, random.Random(f"{seed}-{number}"), 6, compare_each=True)
