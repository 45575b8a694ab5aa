{{ staged("account_trades") }}
