"""Other exchanges than Binance, whose prices follow those of the simulator's own spot market."""
