"""Text in XML, whoever wrote it."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

# What XML 1.0 (section 2.2) does not allow in a document, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escaped(text: str) -> str:
    """Any text as the content of an element; characters that XML cannot hold become U+FFFD."""
    return escape(_FORBIDDEN.sub("\ufffd", text)).replace("\r", "&#13;")
