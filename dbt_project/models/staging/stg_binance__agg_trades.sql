{{ staged("agg_trades") }}
