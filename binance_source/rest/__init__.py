"""Binance's REST API: the clients, and one module per dataset."""
