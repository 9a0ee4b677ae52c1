"""ARM's template language: expressions, functions, parameters."""

from trunkline_lab.azure.language import lambdas, located, special

__all__ = ["lambdas", "located", "special"]  # with every function in them registered
