"""Loads all venues, one after the other, and builds the models: python pipelines/all_venues.py --help."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from market_loader.start import supervise

    supervise("all_venues")
