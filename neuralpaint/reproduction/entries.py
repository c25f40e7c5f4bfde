"""The figures that can be reproduced. To add one, write a function of a `Request` in a file here, and list it."""

from __future__ import annotations

from neuralpaint.reproduction.entry import Entry

_HERE = "neuralpaint.reproduction"

ENTRIES = (
    Entry(
        "snp",
        (4, 5),
        "Why a pixel loss is not enough",
        "A pixel loss has no gradient that would move a stroke to a target which it does not overlap; the transport "
        "loss has one, and brings the stroke there.",
        f"{_HERE}.zero_gradient:run",
    ),
    Entry(
        "snp",
        (7,),
        "A painting, stroke by stroke",
        "Strokes are added one at a time, from coarse blocks to fine ones, and the loss falls as they are added.",
        f"{_HERE}.stroke_by_stroke:run",
        ("photos",),
    ),
    Entry(
        "snp",
        (8,),
        "Abstract paintings of few strokes",
        "A few strokes of tape or marker give highly abstract paintings, in which the subject can still be told.",
        f"{_HERE}.few_strokes:run",
        ("photos", "content", "features"),
        note="The paper's picture was not at hand; what the figure shows is taken from the description of such "
        "paintings on the paper's project page.",
    ),
    Entry(
        "snp",
        (9,),
        "Strokes in the style of a picture",
        "Strokes that are moved by a style loss take on the style of a picture, its colours alone or its texture too, "
        "and the painting still shows the photo.",
        f"{_HERE}.restyled_strokes:run",
        ("photos", "styles", "features"),
        note="The paper's picture was not at hand; that the figure shows style transfer is taken from the paper's "
        "text.",
    ),
    Entry(
        "snp",
        (10,),
        "400 strokes, beside Learning to Paint",
        "With as many strokes as Learning to Paint, 400, paintings show clear strokes with their texture, where those "
        "are blurred.",
        f"{_HERE}.crisp_strokes:run",
        ("photos",),
    ),
    Entry(
        "snp",
        (11,),
        "Low-bit photos",
        "Upright rectangles of one colour turn a photo into the picture of an 8-bit game, as vectors that can be drawn "
        "at any size.",
        f"{_HERE}.low_bit:run",
        ("photos",),
    ),
    Entry(
        "snp",
        (12,),
        "Digits, with and without the transport loss",
        "With the transport loss beside the pixel loss, strokes come closer to digits than with the pixel loss alone.",
        f"{_HERE}.digits:run",
    ),
    Entry(
        "snp",
        (13, 14),
        "Networks that draw strokes",
        "A rasterization and a shading network together, the dual pathway, imitate a brush better than either of them "
        "alone and than earlier networks, which have to untangle shape and colour.",
        f"{_HERE}.renderer_ablation:run",
        tables=(1,),
        note="Figure 14 is taken to show strokes as the networks draw them; we had the paper's text and table, not the "
        "picture.",
    ),
    Entry(
        "styles",
        (1,),
        "One photo in all the styles of one network",
        "One network paints a photo in many styles, each its own, of which each has only a scale and a shift for every "
        "channel.",
        f"{_HERE}.many_styles:run",
        ("photos", "styles", "features"),
    ),
    Entry(
        "styles",
        (5,),
        "One network of several styles, beside a network for each",
        "A network of many styles learns each about as well, in as many updates, as a network of this style alone.",
        f"{_HERE}.shared_network:run",
        ("photos", "styles", "content", "features"),
    ),
    Entry(
        "styles",
        (6,),
        "A style that is added",
        "A style is added to a trained network by learning its scale and shift alone, in an eighth of the updates that "
        "a network for it needs from scratch.",
        f"{_HERE}.added_style:run",
        ("photos", "styles", "content", "features"),
    ),
    Entry(
        "styles",
        (7,),
        "Between two styles",
        "From one style to another, the loss against the first rises and that against the second falls at every step.",
        f"{_HERE}.style_mixes:run",
        ("photos", "styles", "features"),
    ),
)
"""All entries, paper by paper."""
