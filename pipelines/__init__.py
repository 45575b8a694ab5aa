"""The commands that load market data: one script for each venue."""
