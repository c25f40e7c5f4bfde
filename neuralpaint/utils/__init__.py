"""What every other part may use and what itself uses none: files, memory, devices, checks."""
