"""What of a picture is kept for comparing it: local features, whole-frame hashes and a small picture.

ORB: Rublee et al., "ORB: an efficient alternative to SIFT or SURF" (ICCV 2011). The frame hash is a 64-bit DCT hash (Zauner 2010).
A transparent picture has two looks of one owner, on white and on black, for nobody knows which of the two a copy was made from; an
animation has one of its middle frame besides.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from archiver.picture.windows import RATIOS, Box, cuts, halves

FEATURES_VERSION = "3"
"""Changes with anything that changes the bytes of `Features`."""

POINTS_MAX, POINTS_LEAST, POINTS_PER_PX = 400, 150, 400 / 480
"""Corners of a view of full size; those that are enlarged for the search have fewer, by the length of their sides."""
PAD_PX = 16
"""Repeated edge around the view, so that corners near the frame are found."""
CORNERS_PX, ENLARGED_MOST = 320, 2.0
"""A smaller view is enlarged to so many pixels before corners are looked for, at most so many times: a descriptor sees 31 pixels around
a corner, and in a thumbnail or an icon that is half the picture, of which no crop shows the same."""
LOOK_PX = 256
GLIMPSE_PX = 112
FLAT_STD = 3.0
"""Grey levels below which a 32 px picture has no hash: its bits would be noise."""
BORDER_RANGE = 24
"""Grey levels within which a row or column is still one colour (JPEG ringing included)."""
BORDER_MAX = 0.45
"""Share of a side that a border may take on each edge."""

WINDOWS_PX = 160
WINDOWS = len(RATIOS) + 2
"""Hashes of parts of the frame: the cuts and the halves of windows.py."""

_MAGIC = b"AFEA"
_HEAD = struct.Struct("<4sBB2x")
_VIEW = struct.Struct(f"<HHHxx4f{4 + WINDOWS}QI")

Bytes = NDArray[Any]
"""uint8; OpenCV's stubs cannot tell the type of what they return."""
Floats = NDArray[Any]
"""float32, for the same reason."""


@dataclass(frozen=True)
class Sketch:
    """What candidates are found by; all views of the picture in one."""

    points: Floats
    """(N, 4): x, y in pixels of the view, size in pixels, angle in degrees."""
    descriptors: Bytes
    """(N, 32) ORB descriptors."""
    view: Bytes
    """(N,) index of the view of each point."""
    hashes: NDArray[np.uint64]
    """(V, 4) DCT hashes: frame, mirrored frame, frame without border, that mirrored; 0 where the frame is flat."""
    windows: NDArray[np.uint64]
    """(V, WINDOWS) DCT hashes of the parts of windows.py, cuts first; 0 where a part is flat or the frame itself."""
    sizes: NDArray[np.int64]
    """(V, 2) width and height of each view in pixels."""

    @cached_property
    def cut_to(self) -> NDArray[np.int64]:
        """(V,) index of the ratio of windows.py that each view has, -1 for none of them."""
        return np.array([next((k for k, box in enumerate(cuts(*size)) if box is None), -1) for size in self.sizes.tolist()], np.int64)


@dataclass(frozen=True)
class Features:
    """Everything `compare` needs of one picture. About 40 kB for an opaque one."""

    sketch: Sketch
    boxes: tuple[tuple[float, float, float, float], ...]
    """Per view: content inside a uniform border in pixels of the view (left, top, right, bottom)."""
    packed: tuple[bytes, ...]
    """Per view: its look, as JPEG."""
    middle: int | None = None
    """The view that is the middle frame of an animation; None for stills."""

    @cached_property
    def looks(self) -> tuple[Bytes, ...]:
        """Per view: (H, W, 3) uint8 RGB, longest side at most LOOK_PX."""
        return tuple(_unpack(data) for data in self.packed)

    @cached_property
    def greys(self) -> tuple[Floats, ...]:
        """Per view: its look as (H, W) float32 grey levels, for fitting one on the other."""
        return tuple(cv2.cvtColor(look, cv2.COLOR_RGB2GRAY).astype(np.float32) for look in self.looks)

    @cached_property
    def glimpses(self) -> tuple[Floats, ...]:
        """Per view: the grey look at no more than GLIMPSE_PX, for a first glance."""
        return tuple(_shrink(grey, GLIMPSE_PX) for grey in self.greys)

    def to_bytes(self) -> bytes:
        """Compact and versioned by FEATURES_VERSION; the same features give the same bytes."""
        parts = [_HEAD.pack(_MAGIC, len(self.packed), self.middle or 0)]
        for number, look in enumerate(self.packed):
            mine = self.sketch.view == number
            width, height = (int(side) for side in self.sketch.sizes[number])
            hashes = (int(value) for value in (*self.sketch.hashes[number], *self.sketch.windows[number]))
            parts.append(_VIEW.pack(width, height, int(mine.sum()), *self.boxes[number], *hashes, len(look)))
            parts += [self.sketch.points[mine].tobytes(), self.sketch.descriptors[mine].tobytes(), look]
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> Features:
        """The inverse of `to_bytes`. Raises ValueError for anything else."""
        if len(data) < _HEAD.size or data[:4] != _MAGIC:
            raise ValueError("not the features of a picture")
        at, views = _HEAD.size, []
        for _ in range(data[4]):
            width, height, count, *rest = _VIEW.unpack_from(data, at)
            at += _VIEW.size
            points = np.frombuffer(data, np.float32, count * 4, at).reshape(-1, 4)
            at += points.nbytes
            descriptors = np.frombuffer(data, np.uint8, count * 32, at).reshape(-1, 32)
            at += descriptors.nbytes
            hashes, size = rest[4:-1], rest[-1]
            views.append(_View((width, height), points, descriptors, tuple(hashes), tuple(rest[:4]), data[at : at + size]))
            at += size
        return _join(views, data[5] or None)


@dataclass(frozen=True)
class _View:
    size: tuple[int, int]
    points: Floats
    descriptors: Bytes
    hashes: tuple[int, ...]
    """Those of the frame, then those of its parts."""
    box: tuple[float, ...]
    look: bytes


def extract(view: Bytes, view_black: Bytes | None, middle: Bytes | None = None) -> Features:
    """Features of one picture from its views ((H, W, 3) uint8 RGB, longest side at most 480; see `decode.Decoded`)."""
    views = [_extract(each) for each in (view, view_black, middle) if each is not None]
    return _join(views, len(views) - 1 if middle is not None else None)


def _join(views: list[_View], middle: int | None) -> Features:
    sketch = Sketch(
        np.concatenate([view.points for view in views]),
        np.concatenate([view.descriptors for view in views]),
        np.concatenate([np.full(len(view.points), number, np.uint8) for number, view in enumerate(views)]),
        np.array([view.hashes[:4] for view in views], np.uint64),
        np.array([view.hashes[4:] for view in views], np.uint64),
        np.array([view.size for view in views], np.int64),
    )
    boxes = tuple((view.box[0], view.box[1], view.box[2], view.box[3]) for view in views)
    return Features(sketch, boxes, tuple(view.look for view in views), middle)


def _extract(view: Bytes) -> _View:
    height, width = view.shape[:2]
    grey = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY)
    box = content_box(grey)
    points, descriptors = _corners(grey)
    inner = grey[box[1] : box[3], box[0] : box[2]]
    hashes = (*frame_hashes(grey), *frame_hashes(inner), *_window_hashes(grey))
    box_px = (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
    return _View((width, height), points, descriptors, hashes, box_px, _pack(view))


def _corners(grey: Bytes) -> tuple[Floats, Bytes]:
    longest = max(grey.shape)
    enlarged = max(1.0, min(ENLARGED_MOST, CORNERS_PX / longest))
    most = POINTS_MAX if enlarged == 1.0 else max(POINTS_LEAST, round(POINTS_PER_PX * enlarged * longest))
    orb = cv2.ORB.create(most, 1.2, 8, fastThreshold=10)
    if enlarged > 1.0:
        grey = cv2.resize(grey, None, fx=enlarged, fy=enlarged, interpolation=cv2.INTER_CUBIC)
    padded = cv2.copyMakeBorder(grey, PAD_PX, PAD_PX, PAD_PX, PAD_PX, cv2.BORDER_REPLICATE)
    found, descriptors = orb.detectAndCompute(padded, None)
    if descriptors is None:
        return np.zeros((0, 4), np.float32), np.zeros((0, 32), np.uint8)
    points = np.array([(*point.pt, point.size, point.angle) for point in found], np.float32)
    points[:, :2] = (points[:, :2] - PAD_PX + 0.5) / enlarged - 0.5
    points[:, 2] /= enlarged
    return points, descriptors


def content_box(grey: Bytes) -> tuple[int, int, int, int]:
    """What is inside a uniform border of `grey` ((H, W) uint8): left, top, right, bottom in pixels; the whole when there is none.

    A row or column belongs to the border while its grey levels stay within BORDER_RANGE and near those of the edge.
    """
    height, width = grey.shape
    top, bottom = _margins(grey.min(axis=1), grey.max(axis=1))
    left, right = _margins(grey[top : height - bottom].min(axis=0), grey[top : height - bottom].max(axis=0))
    if not (top or bottom):
        top, bottom = _margins(grey[:, left : width - right].min(axis=1), grey[:, left : width - right].max(axis=1))
    return left, top, width - right, height - bottom


def _margins(low: Bytes, high: Bytes) -> tuple[int, int]:
    return _margin(low, high), _margin(low[::-1], high[::-1])


def _margin(low: Bytes, high: Bytes) -> int:
    length = len(low)
    lowest, highest = np.minimum.accumulate(low), np.maximum.accumulate(high)
    outside = np.flatnonzero(highest.astype(int) - lowest > BORDER_RANGE)
    first = int(outside[0]) if len(outside) else length
    return first if first <= BORDER_MAX * length else 0


def frame_hashes(grey: Bytes) -> tuple[int, int]:
    """64-bit DCT hash of `grey` ((H, W) uint8) and of its mirror image; (0, 0) for a flat one.

    Mirroring changes the sign of the coefficients of odd horizontal frequency and nothing else, so the second costs nothing.
    """
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    if small.std() < FLAT_STD:
        return 0, 0
    low = np.round(cv2.dct(small)[:8, :8] / 2.0)
    low[0, 0] = 0.0
    odd = np.where(np.arange(8) % 2 == 1, -1.0, 1.0)
    return _bits(low), _bits(low * odd)


def _window_hashes(grey: Bytes) -> list[int]:
    grey = _shrink(grey, WINDOWS_PX)  # a hash sees 32 px of each part
    height, width = grey.shape
    boxes = (*cuts(width, height), *halves(width, height))
    return [_part_hash(grey, box) if box is not None else 0 for box in boxes]


def _part_hash(grey: Bytes, box: Box) -> int:
    left, top, right, bottom = (round(side) for side in box)
    return frame_hashes(grey[top : max(bottom, top + 1), left : max(right, left + 1)])[0]


def _bits(low: NDArray[np.floating]) -> int:
    return int.from_bytes(np.packbits((low > np.median(low)).ravel()).tobytes(), "big")


def _pack(view: Bytes) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(_shrink(view, LOOK_PX), cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError("a look could not be encoded")
    return bytes(data.tobytes())


def _shrink(picture: Floats, longest_px: int) -> Floats:
    scale = longest_px / max(picture.shape[:2])
    if scale >= 1.0:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _unpack(data: bytes) -> Bytes:
    look = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if look is None:
        raise ValueError("the look of a picture is damaged")
    return cv2.cvtColor(look, cv2.COLOR_BGR2RGB)
