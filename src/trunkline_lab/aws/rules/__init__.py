"""What AWS does and moto does not: one rule a file, each around the rest of the chain (see calls.Rule)."""
