"""How a run is shown: a live tree, plain lines, JSON lines, a log. Each is an Observer of the core's events."""
