"""A local server that simulates the venues, for demos and for testing their clients. See README.md."""

from exchange_simulator.handle import Simulator, running_simulator

__all__ = ["Simulator", "running_simulator"]
