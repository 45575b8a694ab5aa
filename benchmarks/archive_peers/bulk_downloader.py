"""binance-bulk-downloader: not verified; leaves the CSV files. Takes all files of the listing, which are the job's.

The folders are made for it: its threads race to make them, and in an empty folder it loses files without a word.
"""

import json
import sys
from pathlib import Path

from binance_bulk_downloader.downloader import BinanceBulkDownloader  # type: ignore[import-not-found]

job = json.loads(sys.argv[1])
BinanceBulkDownloader._BINANCE_DATA_S3_BUCKET_URL = f"{job['url']}/s3"
BinanceBulkDownloader._BINANCE_DATA_DOWNLOAD_BASE_URL = job["url"]
kinds = {
    "klines": {"data_type": "klines", "data_frequency": "1m", "timeperiod_per_file": "monthly"},
    "agg_trades": {"data_type": "aggTrades", "timeperiod_per_file": "daily"},
}
for folder in job["folders"]:
    Path(job["folder"], folder).mkdir(parents=True)
BinanceBulkDownloader(
    destination_dir=job["folder"], asset="spot", symbols=job["symbols"], **kinds[job["dataset"]]
).run_download()
