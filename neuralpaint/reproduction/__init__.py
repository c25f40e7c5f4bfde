"""Figures of the two papers that this package builds on, each from one call: what they say, and what we find.

Stylized Neural Painting (Zou et al., CVPR 2021) and A Learned Representation for Artistic Style (Dumoulin et al., ICLR
2017). `neuralpaint reproduce` is the command; `docs/reproduction.md` has the results.
"""

from neuralpaint.reproduction.entries import ENTRIES
from neuralpaint.reproduction.entry import PAPERS, SCALES, Entry, Outcome, Request, choose
from neuralpaint.reproduction.page import page

__all__ = ["ENTRIES", "PAPERS", "SCALES", "Entry", "Outcome", "Request", "choose", "page"]
