"""The work behind the commands, independent of the terminal: photos in, paintings out."""
