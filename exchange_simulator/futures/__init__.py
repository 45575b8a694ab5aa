"""Binance USD-M futures: contracts that follow the spot market, their funding and open interest, and the API."""
