"""What the commands do, without a terminal: photos in, paintings out."""
