"""The idioms: the pipe, its steps, and their walk. Imports no third party."""
