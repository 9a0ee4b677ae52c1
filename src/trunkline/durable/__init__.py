"""What outlives a process: secrets derived from one key, known routers; later the journal."""
