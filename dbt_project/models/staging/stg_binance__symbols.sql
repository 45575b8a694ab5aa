{{ staged("symbols", complete_loads_only=false) }}
