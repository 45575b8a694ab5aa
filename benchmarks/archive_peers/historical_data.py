"""binance-historical-data: not verified; leaves the CSV files. Two of its addresses and one page are answered here."""

import io
import json
import sys
import urllib.request
from datetime import date, timedelta
from typing import Any

from binance_historical_data import BinanceDataDumper  # type: ignore[import-not-found]

job = json.loads(sys.argv[1])
really_open = urllib.request.urlopen


def urlopen(url: Any, *arguments: Any, **settings: Any) -> Any:
    """Answer where in the world this is, and where the listing is; send what is for the exchange to the local one."""
    address = url if isinstance(url, str) else url.full_url
    if "ipinfo.io" in address:
        return io.BytesIO(b'{"country": "CH"}')
    if address.startswith(f"{job['url']}/?prefix"):
        return io.BytesIO(f"<script>var BUCKET_URL = '{job['url']}/s3';</script>".encode())
    return really_open(address.replace("https://api.binance.com", job["url"]), *arguments, **settings)


urllib.request.urlopen = urlopen
kinds = {"klines": {"data_type": "klines", "data_frequency": "1m"}, "agg_trades": {"data_type": "aggTrades"}}
dumper = BinanceDataDumper(path_dir_where_to_dump=job["folder"], asset_class="spot", **kinds[job["dataset"]])
dumper._base_url = f"{job['url']}/data"
first, last = date.fromisoformat(job["first"]), date.fromisoformat(job["last"])
if job["dataset"] == "klines":
    # Of the last day's month it takes the daily files: the day after belongs to the next one.
    periods = [(first, last + timedelta(days=1))]
else:
    # Daily files only, which it takes of the last day's month; where the first file is, it finds in the listing.
    middle = last.replace(day=1)
    periods = [(first, middle - timedelta(days=1)), (middle, last)]
for date_start, date_end in periods:
    dumper.dump_data(tickers=job["symbols"], date_start=date_start, date_end=date_end)
