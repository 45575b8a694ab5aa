{{ staged("connected_symbols", complete_loads_only=false) }}
