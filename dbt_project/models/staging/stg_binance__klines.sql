{{ staged("klines") }}
