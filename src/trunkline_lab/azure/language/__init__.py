"""ARM's template expression language: its grammar, its functions, and what they are evaluated in."""
