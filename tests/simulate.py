"""Runs the simulator as `python -m exchange_simulator` in the root of the repository does."""

import runpy
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
runpy.run_module("exchange_simulator", run_name="__main__", alter_sys=True)
