{{ staged("open_interest") }}
