"""Hook of mkdocs that turns formulas in TeX into MathML, which browsers draw.

The pages have ``$...$`` in a line and fences of the language ``math``, as GitHub reads
them. With MathML no script and no font has to come from elsewhere.
"""

import html
import re
from typing import Any

from latex2mathml.converter import convert

# What pymdownx.arithmatex leaves of a formula in a line, and of one by itself.
_IN_LINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
_BY_ITSELF = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.DOTALL)


def on_page_content(content: str, **_: Any) -> str:
    """Replace the formulas of a page.

    Args:
        content: HTML of the page.
        _: What else mkdocs hands over.
    """
    content = _IN_LINE.sub(lambda found: _drawn(found[1], "inline"), content)
    return _BY_ITSELF.sub(
        lambda found: f'<div class="formula">{_drawn(found[1], "block")}</div>', content
    )


def _drawn(formula: str, display: str) -> str:
    tex = html.unescape(formula).strip()
    # The names that latex2mathml has for these.
    tex = tex.replace("{aligned}", "{align*}").replace(r"\_", "_")
    drawn: str = convert(tex, display=display)
    return drawn
