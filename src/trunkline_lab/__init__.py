"""Clouds, routers and a datacentre on one laptop, all on loopback, for the official SDKs to drive."""
