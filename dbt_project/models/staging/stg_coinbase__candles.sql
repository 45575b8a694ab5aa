{{ staged("coinbase_candles") }}
