{{ staged("coinbase_products", complete_loads_only=false) }}
