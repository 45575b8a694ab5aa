"""How Binance's REST API is spoken: requests, weight budget, errors."""
