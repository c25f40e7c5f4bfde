"""Programs that try random and hostile input: `ops.py` the operators, `files.py` what reads files. See `make fuzz`."""
