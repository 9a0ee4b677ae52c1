"""The jobs, with their templates beside them."""
