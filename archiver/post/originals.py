"""The likely original behind the address of a proxy, a resizer or a size variant. Pure: an address in, addresses out.

Every rule is a row: a name, a pattern over the whole address, what stands for it, and an example that is a test. A rule only says where
the original probably is; whether it is the same picture, and larger, only the pictures tell. Rules were written from the
addresses these services hand out; they are guesses about other people's servers and may grow old.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from archiver.post import urls

MAX_STEPS = 3
"""A proxy may stand before a resizer before a size variant."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Where `pattern` matches, the original is expected at `becomes`."""

    name: str
    pattern: re.Pattern[str]
    becomes: str | Callable[[re.Match[str]], str]
    """A template for `Match.expand`, or a function for what a template cannot say."""
    example: tuple[str, str]
    """(address, original): both documentation and test."""


def _row(name: str, pattern: str, becomes: str | Callable[[re.Match[str]], str], variant: str, original: str) -> Rule:
    return Rule(name, re.compile(pattern, re.IGNORECASE), becomes, (variant, original))


def _inner(found: re.Match[str]) -> str:
    """The address that a proxy carries percent-encoded."""
    return unquote(found["inner"])


def _cloudinary(found: re.Match[str]) -> str:
    """Without the transformations: path segments of `key_value` parts, such as `c_scale,w_600`."""
    parts = found["rest"].split("/")
    while len(parts) > 1 and (not parts[0] or re.fullmatch(r"(?:[a-z]{1,3}_[^/,]+)(?:,[a-z]{1,3}_[^/,]+)*", parts[0])):
        parts.pop(0)
    return found["head"] + "/".join(parts)


_IMAGE = r"\.(?:jpe?g|png|gif|webp|avif)"
_END = r"(?=[?#]|$)"

RULES: tuple[Rule, ...] = (
    # --- proxies: the address of the original is in the address ----------------------------------------------------
    _row(
        "WordPress Photon",
        r"^https?://i\d\.wp\.com/(?P<host>[^/?]+\.[^/?]+/[^?]*).*$",
        r"https://\g<host>",
        "https://i0.wp.com/news.example/up/a-36.png?fit=750%2C500&ssl=1",
        "https://news.example/up/a-36.png",
    ),
    _row(
        "image proxy with url=",
        r"^https?://[^/?]+/[^?]*\?(?:.*&)?(?:url|src|image|img|imgurl|mediaurl)=(?P<inner>https?(?:%3A|:)(?:%2F|/){2}[^&]+).*$",
        _inner,
        "https://imagesvc.press.example/v3/mm/image?w=500&url=https%3A%2F%2Fstatic.example%2Fup%2Fa.jpg&q=85",
        "https://static.example/up/a.jpg",
    ),
    _row(
        "Next.js image",
        r"^(?P<origin>https?://[^/?]+)/_next/image\?(?:.*&)?url=(?P<path>%2F(?!%2F)[^&]+).*$",
        lambda m: m["origin"] + unquote(m["path"]),
        "https://shop.example/_next/image?url=%2Fmedia%2Fa.jpg&w=640&q=75",
        "https://shop.example/media/a.jpg",
    ),
    _row(
        "weserv",
        r"^https?://(?:images\.weserv\.nl|wsrv\.nl)/\?(?:.*&)?url=(?:ssl%3A|ssl:)?(?P<inner>(?!https?(?:%3A|:))[^&]+).*$",
        lambda m: "https://" + unquote(m["inner"]),
        "https://images.weserv.nl/?url=news.example/a.jpg&w=300",
        "https://news.example/a.jpg",
    ),
    _row(
        "Substack",
        r"^https?://(?:substackcdn\.com|cdn\.substack\.com)/image/fetch/(?:[^/]*/)*(?P<inner>https?%3A%2F%2F[^/?]+)$",
        _inner,
        "https://substackcdn.com/image/fetch/w_848,c_limit,f_auto/https%3A%2F%2Fbucket.example%2Fimages%2Fa.png",
        "https://bucket.example/images/a.png",
    ),
    _row(
        "Cloudflare images",
        r"^(?P<origin>https?://[^/?]+)/cdn-cgi/image/[^/]+/(?P<path>(?!https?:).+)$",
        r"\g<origin>/\g<path>",
        "https://news.example/cdn-cgi/image/width=640,quality=80/up/a.jpg",
        "https://news.example/up/a.jpg",
    ),
    _row(
        "address within the path",
        r"^https?://[^/?]+/[^?]*?/(?P<inner>https?:/{1,2}(?:[^/?]+\.)+[^/?]+/[^?]+).*$",
        lambda m: re.sub(r"^(https?:)/+", r"\1//", m["inner"]),
        "https://img.cdn.example/resize/600x/https://news.example/up/a.jpg",
        "https://news.example/up/a.jpg",
    ),
    # --- services: a size in the path ------------------------------------------------------------------------------
    _row(
        "YouTube",
        r"^(?P<head>https?://(?:i\d?|img)\.(?:ytimg|youtube)\.com/vi/[\w-]{5,20}/)(?:default|[mhs][qd]default|0|1|2|3|hq720)\.jpg.*$",
        r"\g<head>maxresdefault.jpg",
        "https://i.ytimg.com/vi/bqmlyel0kPg/hqdefault.jpg",
        "https://i.ytimg.com/vi/bqmlyel0kPg/maxresdefault.jpg",
    ),
    _row(
        "Pinterest",
        r"^(?P<head>https?://i\.pinimg\.com/)(?:\d+x(?:\d+)?(?:_RS)?)(?P<rest>/\w\w/\w\w/\w\w/.+)$",
        r"\g<head>originals\g<rest>",
        "https://i.pinimg.com/564x/7e/f1/ba/7ef1ba79.png",
        "https://i.pinimg.com/originals/7e/f1/ba/7ef1ba79.png",
    ),
    _row(
        "Cloudinary",
        r"^(?P<head>https?://res\.cloudinary\.com/[^/]+/image/upload/)(?P<rest>.+)$",
        _cloudinary,
        "https://res.cloudinary.com/shop/image/upload/c_scale,w_600/v1563354333/Blog/Back-06.png",
        "https://res.cloudinary.com/shop/image/upload/v1563354333/Blog/Back-06.png",
    ),
    _row(
        "Cloudinary fetch",
        r"^https?://res\.cloudinary\.com/[^/]+/image/fetch/(?:[^/]*/)*?(?P<inner>https?(?::|%3A).+)$",
        _inner,
        "https://res.cloudinary.com/shop/image/fetch/w_300/https://news.example/a.jpg",
        "https://news.example/a.jpg",
    ),
    _row(
        "Shopify",
        rf"^(?P<head>https?://(?:cdn\.shopify\.com/s/files|[^/?]+/cdn/shop)/[^?]+?)_(?:pico|icon|thumb|small|compact|medium|large|grande|master|\d*x\d*)(?:_crop_\w+)?(?:@\dx)?(?P<end>{_IMAGE}){_END}",
        r"\g<head>\g<end>",
        "https://cdn.shopify.com/s/files/1/12/files/IMG_5463_large.jpg?v=147",
        "https://cdn.shopify.com/s/files/1/12/files/IMG_5463.jpg?v=147",
    ),
    _row(
        "MediaWiki",
        r"^(?P<head>https?://[^/?]+/(?:[^/?]+/)*)thumb/(?P<path>\w/\w\w/[^/?]+)/[^/?]+$",
        r"\g<head>\g<path>",
        "https://upload.wikimedia.example/wikipedia/commons/thumb/a/ab/Cat.jpg/320px-Cat.jpg",
        "https://upload.wikimedia.example/wikipedia/commons/a/ab/Cat.jpg",
    ),
    _row(
        "Amazon",
        rf"^(?P<head>https?://(?:images-[a-z]+\.ssl-images-amazon|m\.media-amazon)\.com/images/I/[^./?]+)\._[^/?]*_(?P<end>{_IMAGE}){_END}",
        r"\g<head>\g<end>",
        "https://m.media-amazon.com/images/I/61RHSotNPoL._AC_SX425_.jpg",
        "https://m.media-amazon.com/images/I/61RHSotNPoL.jpg",
    ),
    _row(
        "Blogger",
        r"^(?P<head>https?://(?:\d\.bp\.blogspot|blogger\.googleusercontent)\.com/(?:[^/?]+/)+)(?:[swh]\d+(?:-[^/?]+)*)/(?P<name>[^/?]+)$",
        r"\g<head>s0/\g<name>",
        "https://1.bp.blogspot.com/-x/Y/AA/Z/s640/a.jpg",
        "https://1.bp.blogspot.com/-x/Y/AA/Z/s0/a.jpg",
    ),
    _row(
        "Twitter",
        r"^(?P<head>https?://pbs\.twimg\.com/media/[^?]+\?(?:.*&)?name=)(?:thumb|small|medium|large|\d+x\d+)$",
        r"\g<head>orig",
        "https://pbs.twimg.com/media/EAbc?format=jpg&name=small",
        "https://pbs.twimg.com/media/EAbc?format=jpg&name=orig",
    ),
    _row(
        "Medium",
        r"^(?P<head>https?://miro\.medium\.com/)(?:v2/)?(?:(?:max|fit|resize|freeze)[^/]*/)(?:[^/]+/)*?(?P<name>\d\*[^/?]+)$",
        r"\g<head>\g<name>",
        "https://miro.medium.com/v2/resize:fit:700/1*abc.png",
        "https://miro.medium.com/1*abc.png",
    ),
    _row(
        "Drupal image style",
        r"^(?P<head>https?://[^?]+/files)/styles/[^/]+/public(?P<path>/[^?]+).*$",
        r"\g<head>\g<path>",
        "https://cdn.health.example/sites/default/files/styles/small_16_9/public/149/cat-cow.jpg?itok=zC9b",
        "https://cdn.health.example/sites/default/files/149/cat-cow.jpg",
    ),
    _row(
        "Drupal imagecache",
        r"^(?P<head>https?://[^?]+/files)/imagecache/[^/]+(?P<path>/[^?]+).*$",
        r"\g<head>\g<path>",
        "https://www.spine.example/sites/default/files/imagecache/gallery-large/up/Rhomboid.jpg",
        "https://www.spine.example/sites/default/files/up/Rhomboid.jpg",
    ),
    _row(
        "Wagtail rendition",
        rf"^(?P<head>https?://[^?]+)/images/(?P<name>[^/?]+?)\.(?:width|height|max|min|fill|scale)-\d+(?:x\d+)?(?:-c\d+)?(?P<end>{_IMAGE}){_END}",
        r"\g<head>/original_images/\g<name>\g<end>",
        "https://assets.nhs.example/prod/images/S_0118_twist.width-320.jpg",
        "https://assets.nhs.example/prod/original_images/S_0118_twist.jpg",
    ),
    # --- size variants of site software ----------------------------------------------------------------------------
    _row(
        "WordPress size",
        rf"^(?P<head>https?://[^?]+)-\d{{2,5}}x\d{{2,5}}(?P<end>{_IMAGE}){_END}",
        r"\g<head>\g<end>",
        "https://live.example/wp-content/uploads/2020/07/Three-moves-500x500.jpg",
        "https://live.example/wp-content/uploads/2020/07/Three-moves.jpg",
    ),
    _row(
        "WordPress scaled",
        rf"^(?P<head>https?://[^?]+/wp-content/uploads/[^?]+)-(?:scaled|e\d{{10,13}})(?P<end>{_IMAGE}){_END}",
        r"\g<head>\g<end>",
        "https://blue.example/wp-content/uploads/2012/05/back-e1512716257546.jpg",
        "https://blue.example/wp-content/uploads/2012/05/back.jpg",
    ),
    _row(
        "second ending added by a converter",
        r"^(?P<head>https?://[^?]+\.(?:jpe?g|png))\.(?:webp|avif)(?=[?#]|$)",
        r"\g<head>",
        "https://how.example/images/Step-1.jpg.webp",
        "https://how.example/images/Step-1.jpg",
    ),
    # --- resizing by query -----------------------------------------------------------------------------------------
    _row(
        "resizing query",
        rf"^(?P<head>https?://[^?]+{_IMAGE})\?(?=(?:[^=&]+(?:=[^&]*)?&)*(?:w|h|width|height|resize|fit|crop|quality|q|size|sw|sh|wid|hei|downsize|resizemode|auto|dpr)=)[^#]*$",
        r"\g<head>",
        "https://hips.example/images/a-154.png?crop=0.689xw:0.893xh;0.112xw,0.107xh&resize=480:*",
        "https://hips.example/images/a-154.png",
    ),
)


def originals(url: str) -> tuple[str, ...]:
    """Addresses at which a fuller copy of the picture at `url` may be found, the likeliest (most rules undone) first; none when
    no rule knows the address.

    >>> originals("https://i0.wp.com/a.example/cat-300x200.jpg?ssl=1")
    ('https://a.example/cat.jpg', 'https://a.example/cat-300x200.jpg')
    """
    found: list[str] = []
    current = url
    for _ in range(MAX_STEPS):
        step = next((original for rule in RULES if (original := _apply(rule, current)) and original not in (url, *found)), "")
        if not step:
            break
        found.insert(0, step)
        current = step
    return tuple(found)


def _apply(rule: Rule, url: str) -> str:
    match = rule.pattern.match(url[:4096])
    if not match:
        return ""
    original = rule.becomes(match) if callable(rule.becomes) else match.expand(rule.becomes) + url[match.end() :]
    return original if original != url and urls.is_web(original) else ""
