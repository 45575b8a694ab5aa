{{ staged("funding_rates") }}
