{{ staged("rejected_rows", complete_loads_only=false) }}
