"""Side by side with other people's implementations, in one run on the same cores: `python -m benchmarks.peers --help`.

The reference implementation of *Stylized Neural Painting* (SNP) runs as it is, in a subprocess, from a checkout that
you name with `--snp`; its licence is CC BY-NC-SA, and none of its code or pictures is here. POT, geomloss and
flash-sinkhorn come from PyPI.
"""
