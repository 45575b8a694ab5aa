{{ staged("archive_files") }}
