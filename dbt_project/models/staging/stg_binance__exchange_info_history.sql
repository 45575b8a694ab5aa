{{ staged("exchange_info_history") }}
