"""Binance market data as a dlt source."""
