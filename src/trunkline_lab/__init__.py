"""Clouds, routers and a datacentre on one laptop, all on loopback, that the official SDKs cannot tell from real ones."""
