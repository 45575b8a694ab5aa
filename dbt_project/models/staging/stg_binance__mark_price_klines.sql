{{ staged("mark_price_klines") }}
