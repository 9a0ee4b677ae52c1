"""The resource types that the lab's Azure knows, one small class each."""
