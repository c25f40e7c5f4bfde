has_cuda: bool
simd: str
