"""Clouds: one Protocol (`cloud`), a registry of plug-ins (`registry`), and a plug-in for each cloud."""
