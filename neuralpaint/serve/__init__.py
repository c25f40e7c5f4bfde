"""`neuralpaint serve`: a local web page to paint in. The server itself never loads torch or reads a picture: worker
processes do."""
