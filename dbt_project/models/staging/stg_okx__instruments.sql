{{ staged("okx_instruments", complete_loads_only=false) }}
