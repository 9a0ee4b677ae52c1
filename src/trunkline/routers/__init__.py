"""Routers: one Protocol (`router`), a registry of plug-ins (`registry`), and a plug-in for each make."""
