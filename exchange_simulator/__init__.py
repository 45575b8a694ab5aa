"""A local server that speaks like the exchange, for demos and for testing exchange clients. See README.md."""

from exchange_simulator.handle import Simulator, running_simulator

__all__ = ["Simulator", "running_simulator"]
