"""What a search looks at besides the colours of a photo: where detail matters, and which way strokes run."""
