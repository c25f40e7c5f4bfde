"""Takes the style of any picture: an encoder, decoders, and maps between the statistics of features."""
