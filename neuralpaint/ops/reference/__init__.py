"""The ops once more in plain PyTorch: slow, at any precision, what the kernels are tested against."""
