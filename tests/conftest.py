"""What all tests share."""

from hypothesis import HealthCheck, settings

# A machine that does other things meanwhile is slow, not wrong.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
