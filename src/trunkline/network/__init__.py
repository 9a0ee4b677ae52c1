"""Networks as data, and the arithmetic of addresses."""
