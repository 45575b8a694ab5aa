{{ staged("premium_index") }}
