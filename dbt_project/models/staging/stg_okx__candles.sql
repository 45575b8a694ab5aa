{{ staged("okx_candles") }}
