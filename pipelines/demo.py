"""Runs the whole job against the bundled exchange simulator, and a few queries on the result: make demo."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from market_loader.start import supervise

    supervise("demo")
