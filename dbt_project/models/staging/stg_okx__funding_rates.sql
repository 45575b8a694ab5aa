{{ staged("okx_funding_rates") }}
