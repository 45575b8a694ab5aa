{{ staged("listings") }}
