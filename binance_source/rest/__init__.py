"""Binance's REST API: how it is asked, and one module for each dataset."""
