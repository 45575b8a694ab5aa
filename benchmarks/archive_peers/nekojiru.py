"""nekojiru-binance: written in Rust; verified, numbers as text, to Parquet."""

import json
import sys

import nekojiru_binance  # type: ignore[import-not-found]

job = json.loads(sys.argv[1])
kinds = {"klines": ("klines", {"interval": "1m"}), "agg_trades": ("agg-trades", {})}
kind, settings = kinds[job["dataset"]]
for symbol in job["symbols"]:
    nekojiru_binance.sync(
        kind, "spot", symbol, job["first"], job["last"], job["folder"], base_url=job["url"], **settings
    )
