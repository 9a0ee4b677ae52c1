"""The command line. stdout is the result, stderr the progress; every command loads only what it uses."""
