"""Loads Coinbase Exchange market data into the destination `market`: python pipelines/coinbase_pipeline.py --help."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from market_loader.start import start

    start("coinbase")
