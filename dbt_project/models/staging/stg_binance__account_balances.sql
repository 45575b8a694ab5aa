{{ staged("account_balances") }}
