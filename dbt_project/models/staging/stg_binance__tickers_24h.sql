{{ staged("tickers_24h") }}
