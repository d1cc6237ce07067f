"""A picture that stands where a portrait would: a grey figure, of nobody."""

from __future__ import annotations

import io
from base64 import b64encode

from PIL import Image, ImageDraw, ImageFilter

SIZE = (358, 441)
"""Of a portrait for an identity card at 350 dpi, in pixels: 26 mm by 32 mm."""
_TONES = ((214, 220, 228), (120, 132, 150), (98, 112, 134))


def portrait(number: int) -> str:
    """Return a portrait as an application carries it: PNG in base64; its shade tells one from another."""
    width, height = SIZE
    background, head, body = (tuple(min(255, tone + number % 5 * 5) for tone in one) for one in _TONES)
    picture = Image.new("RGB", SIZE, background)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width * 0.12, height * 0.66, width * 0.88, height * 1.4), fill=body)
    draw.ellipse((width * 0.42, height * 0.5, width * 0.58, height * 0.74), fill=head)
    draw.ellipse((width * 0.29, height * 0.17, width * 0.71, height * 0.62), fill=head)
    out = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(1.2)).quantize(64).save(out, "PNG", optimize=True)
    return b64encode(out.getvalue()).decode("ascii")
