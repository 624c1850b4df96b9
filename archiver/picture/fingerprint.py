"""Fingerprints of a view. The only module that knows imagehash.

pHash after Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), in imagehash's form: the signs, about
their median, of the 8x8 lowest frequencies of the DCT of a 32x32 grey picture. dHash, whose bits come from neighbouring pixels instead
of frequencies, is the independent second opinion.
"""

from __future__ import annotations

from dataclasses import replace

import imagehash
import numpy as np

from archiver.model import Bits, Fingerprint
from archiver.picture.decode import Decoded, as_image

FINGERPRINT_VERSION = "1"

PHASH_KIND = "phash/view480"
DHASH_KIND = "dhash/view480"
"""The kinds name the path by which the pixels came: hashes of pictures decoded otherwise differ by several bits."""

MIDDLE = "/middle"
"""Ends the kinds of hashes taken of the middle frame of an animation: two animations may begin alike."""

ROUND_TO = 128.0
"""Step of the DCT coefficients (unnormalised DCT-II, grey 0-255): an eighth of a grey level in one basis function. Below it is the noise
of encoders, whose sign flips bits of near-flat pictures; with it the distance of encoded copies on 470 pictures stayed as it was."""

INFORMATIVE_STD = 1.2
"""Grey levels. On 2,600 pictures the blank ones reached 0.3 and the faintest real one, a sign in a gradient, 1.4."""
INFORMATIVE_SIDE_PX = 12
"""Narrower than this a picture is a rule, a spacer or a tracking pixel."""

_CELLS = 64
_FREQUENCIES, _GRID = 8, 32
_BASIS = 2.0 * np.cos(np.pi * np.arange(_FREQUENCIES)[:, None] * (2 * np.arange(_GRID) + 1) / (2 * _GRID))


def fingerprint(decoded: Decoded) -> Fingerprint:
    """Hashes of the view over white, or of the one over black when the first shows nothing (white ink on transparency)."""
    on_white = is_informative(decoded.view)
    on_black = decoded.view_black is not None and is_informative(decoded.view_black)
    view = decoded.view_black if on_black and not on_white and decoded.view_black is not None else decoded.view
    hashes = [phash(view), dhash(view)]
    if decoded.middle is not None:
        hashes += [replace(bits, kind=bits.kind + MIDDLE) for bits in (phash(decoded.middle), dhash(decoded.middle))]
    return Fingerprint(decoded.pixels_sha256, tuple(hashes), on_white or on_black)


def phash(view: np.ndarray) -> Bits:
    """64-bit DCT hash of `view` (H, W, 3; uint8 RGB).

    The same bits as `imagehash.phash` except where a coefficient lies within ROUND_TO of the median. The 8 of 32 frequencies that count
    are two small matrix products; imagehash would load scipy for them (0.6 s and 26 MB in each worker).
    """
    image = as_image(view).convert("L").resize((_GRID, _GRID), imagehash.ANTIALIAS)
    coefficients = np.round(_BASIS @ np.asarray(image, dtype=np.float64) @ _BASIS.T / ROUND_TO)
    return _bits(PHASH_KIND, imagehash.ImageHash(coefficients > np.median(coefficients)))


def dhash(view: np.ndarray) -> Bits:
    """64-bit difference hash of `view` (H, W, 3; uint8 RGB): is each of 8x8 cells brighter than its left neighbour?"""
    return _bits(DHASH_KIND, imagehash.dhash(as_image(view)))


def _bits(kind: str, found: imagehash.ImageHash) -> Bits:
    return Bits(kind, int(str(found), 16), int(found.hash.size))


def is_informative(view: np.ndarray) -> bool:
    """Is there enough in `view` (H, W, 3; uint8) to know it by its look?

    What remains of any colour channel after the best plane (so that a blank page, a flat colour and a plain gradient all come to
    nothing), averaged in 64x64 cells (so that grain does not count), must vary by INFORMATIVE_STD.
    """
    if min(view.shape[:2]) < INFORMATIVE_SIDE_PX:
        return False
    cells = np.asarray(as_image(view).reduce(_cell_size(view)), dtype=np.float32)
    across, down = np.linspace(-1, 1, cells.shape[1]), np.linspace(-1, 1, cells.shape[0])
    rest = cells - cells.mean(axis=(0, 1))
    for slope in (across[None, :, None], down[:, None, None]):
        tilt = (rest * slope).sum(axis=(0, 1)) / (np.square(slope).sum() * rest.shape[0] * rest.shape[1] / slope.size)
        rest = rest - slope * tilt
    return bool(rest.std(axis=(0, 1)).max() >= INFORMATIVE_STD)


def _cell_size(view: np.ndarray) -> tuple[int, int]:
    return max(1, view.shape[1] // _CELLS), max(1, view.shape[0] // _CELLS)
