"""A believable report, made without any other room: drawn pictures, crops with known transforms, failures of every kind."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from io import BytesIO

from PIL import Image as Pil
from PIL import ImageDraw, ImageFilter, ImageOps

from archiver.model import (
    Bits,
    Cluster,
    Decision,
    Fingerprint,
    Hop,
    Image,
    Link,
    Pair,
    Picture,
    PictureEvidence,
    Post,
    Reason,
    RecordRef,
    Relation,
    Report,
    Role,
    Target,
    Transform,
    Verdict,
)

AT = datetime(2026, 11, 22, 17, 41, tzinfo=UTC)
EVIL = "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"


def scene(seed: int, size: tuple[int, int] = (1200, 800)) -> Pil.Image:
    """A room with a chair in it: gradients, furniture and grain, another one for each seed."""
    rng = random.Random(seed)
    width, height = size
    sky = tuple(rng.randint(120, 235) for _ in range(3))
    ground = tuple(rng.randint(60, 150) for _ in range(3))
    image = Pil.composite(Pil.new("RGB", size, ground), Pil.new("RGB", size, sky), Pil.linear_gradient("L").resize(size))
    draw = ImageDraw.Draw(image)
    for _ in range(9):
        x, y = rng.randint(-100, width), rng.randint(0, height)
        w, h = rng.randint(60, 420), rng.randint(60, 360)
        colour = tuple(rng.randint(20, 240) for _ in range(3))
        (draw.ellipse if rng.random() < 0.4 else draw.rectangle)((x, y, x + w, y + h), fill=colour)
    image = image.filter(ImageFilter.GaussianBlur(2))
    draw = ImageDraw.Draw(image)
    x, y, unit = int(width * rng.uniform(0.3, 0.55)), int(height * 0.3), height // 10
    wood = tuple(rng.randint(30, 110) for _ in range(3))
    draw.rectangle((x, y, x + unit // 3, y + 6 * unit), fill=wood)
    draw.rectangle((x, y + 3 * unit, x + 3 * unit, y + 3 * unit + unit // 2), fill=wood)
    draw.rectangle((x + 3 * unit - unit // 3, y + 3 * unit, x + 3 * unit, y + 6 * unit), fill=wood)
    draw.ellipse((x + unit, y - unit, x + 2 * unit, y), fill=(224, 178, 150))
    draw.rectangle((x + unit * 0.8, y, x + 2.2 * unit, y + 3 * unit), fill=tuple(rng.randint(60, 230) for _ in range(3)))
    grain = Pil.effect_noise(size, 24).convert("RGB")
    return Pil.blend(image, grain, 0.08)


def jpeg(image: Pil.Image, quality: int = 80, longest: int = 0) -> bytes:
    if longest:
        image = ImageOps.contain(image, (longest, longest))
    out = BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


class Builder:
    """Collects images, payloads and their small pictures."""

    def __init__(self) -> None:
        self.images: list[Image] = []
        self.pictures: dict[str, Picture] = {}
        self.thumbnails: dict[str, bytes] = {}
        self.previews: dict[str, bytes] = {}

    def payload(self, image: Pil.Image, quality: int = 85, **evidence: object) -> str:
        data = jpeg(image, quality)
        payload = hashlib.sha256(data).hexdigest()
        mark = Fingerprint(
            hashlib.sha256(image.tobytes()).hexdigest(), (Bits("phash", int(payload[:16], 16), 64), Bits("dhash", 5, 64)), True
        )
        known = PictureEvidence(jpeg_quality=quality, **evidence)  # type: ignore[arg-type]  # test data by keyword
        self.pictures[payload] = Picture(payload, "jpeg", image.width, image.height, 1, mark, known)
        self.thumbnails[payload] = jpeg(image, 70, 200)
        self.previews[payload] = jpeg(image, 75, 480)
        return payload

    def add(self, url: str, payload: str, caption: str = "", alt: str = "", *, last_modified: str = "", **changes: object) -> None:
        line = 12 + 3 * len(self.images)
        picture = self.pictures[payload]
        hop = Hop(url, 200, AT, "203.0.113.7", "image/jpeg", last_modified)
        ref = RecordRef(
            "post-20261122174100-00000.warc.gz",
            1000 * len(self.images),
            900,
            f"urn:uuid:{payload[:8]}-0000-4000-8000-{len(self.images):012d}",
        )
        image = Image(
            target=Target(url, (Link(url, Role.IMAGE, line, caption, alt),)),
            status="ok",
            error="",
            hops=(hop,),
            at=AT,
            payload=payload,
            size_bytes=picture.width_px * picture.height_px // 9,
            picture=picture,
            format="jpeg",
            record=ref,
            revisit=False,
            cluster="",
            keeper=False,
        )
        self.images.append(replace(image, **changes))  # type: ignore[arg-type]  # test data by keyword

    def fail(self, url: str, reason: Reason, error: str, caption: str = "", hops: tuple[Hop, ...] = ()) -> None:
        line = 12 + 3 * len(self.images)
        links = (Link(url, Role.IMAGE, line, caption, ""),)
        self.images.append(Image(Target(url, links), reason.value, error, hops, AT, "", 0, None, "", None, False, "", False))


def pair(
    a: str, b: str, verdict: Verdict, relations: tuple[Relation, ...], score: float, because: str, transform: Transform | None = None
) -> Pair:
    """A pair in the order the model asks for; `transform.fuller` is given for (a, b) as they come here."""
    scores = {"matches": 184, "overlap_correlation": round(score, 3), "distance_bits": 14}
    if a <= b:
        return Pair(a, b, verdict, relations, score, because, transform, scores)
    turned = replace(transform, fuller="b" if transform.fuller == "a" else "a") if transform else None
    return Pair(b, a, verdict, relations, score, because, turned, scores)


def cropped(
    box: tuple[float, float, float, float], size: tuple[int, int], region: tuple[float, float, float, float] | None = None
) -> Transform:
    """The transform of a crop `box` of picture a, shown at `size` as picture b."""
    left, top, right, bottom = box
    sx, sy = (right - left) / size[0], (bottom - top) / size[1]
    return Transform("a", box, 1 / sx, 0.0, False, (sx, 0.0, left, 0.0, sy, top), region)


def agency(builder: Builder) -> Cluster:
    """One agency photo on five sites: whole, cropped twice, small, and with a logo."""
    whole = scene(1, (1200, 675))
    box_b, box_c = (150, 40, 930, 625), (420, 0, 1095, 675)
    logo = whole.resize((800, 450))
    ImageDraw.Draw(logo).rectangle((600, 370, 780, 430), fill=(200, 30, 40))
    a = builder.payload(whole, 90, has_exif=True, exif_taken="2017-03-02T10:11:12")
    b = builder.payload(whole.crop(box_b).resize((400, 300)), 70)
    c = builder.payload(whole.crop(box_c).resize((500, 500)), 75)
    d = builder.payload(logo, 80)
    e = builder.payload(whole.resize((1200, 675)), 45)
    builder.add(
        "https://images.indianexpress.com/2018/05/neck-pain-1200.jpg",
        a,
        "Neck pain: stretches you can do in a chair",
        last_modified="Tue, 08 May 2018 09:00:00 GMT",
    )
    builder.add("https://static.toiimg.com/thumb/76855568.cms?imgsize=9&width=400", b, "Desk exercises")
    builder.add("https://live24x7.example/wp-content/uploads/2020/07/stretch-500x500.jpg", c, "Stretch")
    builder.add(
        "https://i0.wp.com/publicreleases.example/Untitled-design-36.jpg",
        d,
        "Chair exercises for neck pain",
        last_modified="Wed, 01 Jul 2020 10:00:00 GMT",
    )
    builder.add("https://proxy.example/?url=https%3A%2F%2Fimages.indianexpress.com%2F2018%2F05%2Fneck-pain-1200.jpg", e)
    same = Verdict.SAME
    region = (900.0, 555.0, 1170.0, 645.0)
    pairs = (
        pair(
            a,
            b,
            same,
            (Relation.CROPPED, Relation.RESIZED),
            0.98,
            "the same picture, cropped to 56 % of the area, rescaled to 0.51",
            cropped(box_b, (400, 300)),
        ),
        pair(
            a,
            c,
            same,
            (Relation.CROPPED, Relation.RESIZED),
            0.97,
            "the same picture, cropped to 56 % of the area, rescaled to 0.74",
            cropped(box_c, (500, 500)),
        ),
        pair(
            a,
            d,
            same,
            (Relation.RESIZED, Relation.OVERLAID),
            0.93,
            "the same picture, rescaled to 0.67, a logo or caption added at the lower right",
            cropped((0, 0, 1200, 675), (800, 450), region),
        ),
        pair(a, e, same, (Relation.RE_ENCODED,), 0.99, "The pixels agree but for compression."),
    )
    scores = {
        p: {"source_pixels": 810000.0 / n, "compression": 1 / n, "extent": 1.0 if n != 2 else 0.58, "direct_host": float(n < 5)}
        for n, p in enumerate((a, b, c, d, e), 1)
    }
    return Cluster(
        a,
        (a, e, d, c, b),
        "Five copies of one photograph: every one was laid on the fullest and agrees with it.",
        pairs,
        scores,
        "Most source pixels, the least compressed, nothing laid over it, from the site that owns it.",
    )


@cache
def sample() -> tuple[Report, dict[str, bytes], dict[str, bytes]]:
    """(report, thumbnails, previews): 3 clusters, unsure and held-apart pairs, failures, 34 images."""
    builder = Builder()
    first = agency(builder)
    twice = builder.payload(scene(2, (640, 960)))
    builder.add("https://one.example/tall.jpg", twice, "A tall one")
    builder.add("https://two.example/tall.jpg?w=1", twice, "", "the same file elsewhere", revisit=True)
    second = Cluster(twice, (twice,), "", ())
    grey = builder.payload(ImageOps.grayscale(scene(3)).convert("RGB"), 75)
    framed = builder.payload(ImageOps.expand(scene(3), 60, "#f4f1e8"), 88, border_box=(0.05, 0.07, 0.95, 0.93))
    builder.add("https://paleo.example/infographic-1.jpg", framed, "Paleo plan, framed")
    builder.add("https://west.example/2016/11/02/infographic.jpg", grey, "Paleo plan")
    third_pair = pair(
        framed,
        grey,
        Verdict.SAME,
        (Relation.BORDERED, Relation.RECOLOURED),
        0.88,
        "Inside the border they agree in light and dark.",
        cropped((60, 60, 1260, 860), (1200, 800)),
    )
    third = Cluster(framed, (framed, grey), "Two copies, one framed, one grey.", (third_pair,), {}, "In colour.")
    step = [builder.payload(scene(20 + n, (728, 546))) for n in range(4)]
    for n, payload in enumerate(step, 1):
        builder.add(f"https://www.wikihow.com/images/thumb/step-{n}.jpg", payload, f"Step {n}")
    unsure = pair(
        step[0],
        step[1],
        Verdict.UNSURE,
        (Relation.UNSURE,),
        0.55,
        "Half of the points agree, the faces do not.",
        cropped((0, 0, 728, 546), (728, 546)),
    )
    apart = pair(step[2], step[3], Verdict.DIFFERENT, (Relation.SAME_SERIES,), 0.31, "Same background, another pose.")
    for n in range(14):
        payload = builder.payload(scene(40 + n, random.Random(n).choice([(800, 600), (500, 500), (1280, 720), (480, 640), (1500, 420)])))
        builder.add(
            f"https://host{n % 6}.example/wp-content/uploads/2019/0{n % 9 + 1}/chair-{n}.jpg",
            payload,
            f"Exercise {n}: sit upright, breathe, and lift one foot at a time",
            "chair exercise",
        )
    _failures(builder)
    clusters = (first, second, third)
    return assemble(builder, clusters, (unsure,), (apart,)), builder.thumbnails, builder.previews


def _failures(builder: Builder) -> None:
    gone = "https://gone.example/a.jpg"
    builder.fail(gone, Reason.HTTP_ERROR, "404 Not Found", "Lost", (Hop(gone, 404, AT),))
    builder.fail("https://gone.example/b.jpg", Reason.HTTP_ERROR, "410 Gone", "", (Hop("https://gone.example/b.jpg", 410, AT),))
    builder.fail("https://nowhere.example/c.png", Reason.DNS_ERROR, "The name nowhere.example does not resolve.")
    builder.fail("https://old.example/d.jpg", Reason.TLS_ERROR, "The certificate expired on 2021-09-30.")
    moved = (Hop("http://moved.example/e.jpg", 302, AT), Hop("https://moved.example/", 200, AT, content_type="text/html"))
    builder.fail("http://moved.example/e.jpg", Reason.NOT_IMAGE, "The answer is an HTML page.", "Redirects home", moved)


def assemble(builder: Builder, clusters: tuple[Cluster, ...], unsure: tuple[Pair, ...] = (), apart: tuple[Pair, ...] = ()) -> Report:
    """The report over all that was built, with each image's cluster and keeper filled in."""
    ids = {payload: f"c{n}" for n, cluster in enumerate(clusters, 1) for payload in cluster.members}
    keepers = {cluster.keeper for cluster in clusters}
    images = []
    for image in builder.images:
        keeper = image.payload in keepers
        keepers.discard(image.payload)
        images.append(replace(image, cluster=ids.get(image.payload, ""), keeper=keeper))
    last = max((link.line for image in images for link in image.target.links), default=0)
    text = [""] * last
    for image in images:
        for link in image.target.links:
            text[link.line - 1] = f"[![{link.alt}]({link.url})]({link.url}) *{link.caption}*"
    post = Post(
        "posts/chair-exercises.md",
        "markdown",
        "http://post.archiver.invalid/chair-exercises/",
        "Chair exercises for people who sit all day",
        "Mina Oak",
        "2021-02-11",
        "\n".join(text),
    )
    decisions = tuple(Decision(p.a, p.b, "different", "another pose", AT) for p in apart)
    return Report(
        tool={"archiver": "0.1.0", "pillow": "13.0"},
        post=post,
        settings={"strictness": 0.5, "per_host": 4, "hosts": ["a", "b"]},
        started=AT,
        finished=AT.replace(minute=44),
        images=tuple(images),
        clusters=clusters,
        unsure=unsure,
        decisions=decisions,
        warcs=("post-20261122174100-00000.warc.gz",),
        wacz="post.wacz",
        held_apart=apart,
    )
