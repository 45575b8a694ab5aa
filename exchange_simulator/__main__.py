"""Run the simulator: python -m exchange_simulator --port 8080."""

from exchange_simulator.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
