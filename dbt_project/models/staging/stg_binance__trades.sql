{{ staged("trades") }}
