"""binance-vision: verified, float64, whole frames in memory, to Parquet."""

import json
import sys
from pathlib import Path

import binance_vision._core as vision  # type: ignore[import-not-found]

job = json.loads(sys.argv[1])
vision.BASE_URL = job["url"]
kinds = {"klines": ("klines", {"interval": "1m"}), "agg_trades": ("aggTrades", {})}
kind, settings = kinds[job["dataset"]]
for symbol in job["symbols"]:
    path = Path(job["folder"]) / f"{symbol}.parquet"
    vision.fetch_data(symbol, job["first"], job["last"], "spot", kind, output_path=str(path), **settings)
