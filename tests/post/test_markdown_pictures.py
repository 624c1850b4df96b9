"""Which pictures a Markdown post shows: one small post and its links per case.

A row is `role line url`, then ` | caption` and ` / alt` when there are any. Posts are read as if they stood at https://blog.example/2020/post/.
"""

import pytest

from archiver.model import Link
from archiver.post.read import read

BASE = "https://blog.example/2020/post/"
AT = "https://a.example/"


def row(link: Link) -> str:
    caption = f" | {link.caption}" if link.caption else ""
    alt = f" / {link.alt}" if link.alt else ""
    return f"{link.role} {link.line} {link.url}{caption}{alt}"


CASES = {
    # --- CommonMark ------------------------------------------------------------------------------------------------
    "inline": (f"![A cat]({AT}cat.jpg)", [f"image 1 {AT}cat.jpg / A cat"]),
    "words behind it are its caption": (f"![]({AT}a.jpg) Cat  on a *mat*", [f"image 1 {AT}a.jpg | Cat  on a mat"]),
    "the caption ends with the line": (f"![]({AT}a.jpg) one\ntwo", [f"image 1 {AT}a.jpg | one"]),
    "two on one line": (f"![]({AT}a.jpg) one ![]({AT}b.jpg) two", [f"image 1 {AT}a.jpg | one", f"image 1 {AT}b.jpg | two"]),
    "title when nothing follows": (f'![]({AT}a.jpg "A title")', [f"image 1 {AT}a.jpg | A title"]),
    "reference": (f"![A][cat]\n\n[cat]: {AT}a.jpg", [f"image 1 {AT}a.jpg / A"]),
    "collapsed reference": (f"![cat][]\n\n[CAT]: <{AT}a b.jpg> 'T'", [f"image 1 {AT}a b.jpg | T / cat"]),
    "shortcut reference": (f"![cat]\n\n[cat]: {AT}a.jpg", [f"image 1 {AT}a.jpg / cat"]),
    "no reference": ("![cat] ![dog][x] ![]", []),
    "angle brackets": (f"![](<{AT}a (1).jpg>)", [f"image 1 {AT}a (1).jpg"]),
    "nested parentheses": (f"![]({AT}f:up():max(15):x/a.jpg)", [f"image 1 {AT}f:up():max(15):x/a.jpg"]),
    "escaped parenthesis": (f"![]({AT}a\\).jpg)", [f"image 1 {AT}a).jpg"]),
    "entity": (f"![]({AT}a?b=1&amp;c=2)", [f"image 1 {AT}a?b=1&c=2"]),
    "what looks like an entity but is none": (f"![]({AT}a?b=1&copy=2)", [f"image 1 {AT}a?b=1&copy=2"]),
    "line in a paragraph": (f"one\ntwo ![]({AT}a.jpg)\nthree ![]({AT}b.jpg)", [f"image 2 {AT}a.jpg", f"image 3 {AT}b.jpg"]),
    "line in a list in a quote": (f"> - one\n>   ![]({AT}a.jpg)", [f"image 2 {AT}a.jpg"]),
    "heading and table": (
        f"# ![]({AT}a.jpg)\n\n| a | b |\n|---|---|\n| x | ![]({AT}b.jpg) |",
        [f"image 1 {AT}a.jpg", f"image 5 {AT}b.jpg"],
    ),
    "image in an image's text is not shown": (f"![![in]({AT}b.jpg) out]({AT}a.jpg)", [f"image 1 {AT}a.jpg / in out"]),
    # --- links -----------------------------------------------------------------------------------------------------
    "a picture that links to itself": (f"[![]({AT}a.jpg)]({AT}a.jpg) Cap", [f"image 1 {AT}a.jpg | Cap"]),
    "thumbnail to full size": (f"[![t]({AT}s.jpg)]({AT}full.jpg)", [f"image 1 {AT}s.jpg / t", f"href 1 {AT}full.jpg / t"]),
    "picture that links to a page": (f"[![]({AT}s.jpg)]({AT}page.html)", [f"image 1 {AT}s.jpg"]),
    "link to a picture": (f"[see it]({AT}full.PNG?w=1)", [f"href 1 {AT}full.PNG?w=1 | see it"]),
    "autolink": (f"<{AT}full.jpg>", [f"href 1 {AT}full.jpg | {AT}full.jpg"]),
    "bare address": (f"See {AT}full.jpg.", [f"href 1 {AT}full.jpg | {AT}full.jpg"]),
    "a description page is no picture": (
        "[x](https://en.wikipedia.org/wiki/File:A.jpg) [y](https://forge.example/u/p/blob/main/a.png)",
        [],
    ),
    # --- what does not count ---------------------------------------------------------------------------------------
    "code span": (f"`![]({AT}a.jpg)` ``![]({AT}b.jpg) ` ``", []),
    "fence": (f"~~~\n![]({AT}a.jpg)\n<img src=x.jpg>\n~~~", []),
    "indented code": (f"    ![]({AT}a.jpg)", []),
    "comment": (f"<!-- ![]({AT}a.jpg) -->\n\nx <!-- ![]({AT}b.jpg) <img src=c.jpg> --> y", []),
    "escaped": ("\\![it](a.jpg) !\\[](b.jpg)", [f"href 1 {BASE}a.jpg | it"]),
    "unfinished": ("![](a.jpg and [](x", []),
    "counting pixel": (f'<img src="{AT}p.gif" width="1" height="1">', []),
    # --- addresses -------------------------------------------------------------------------------------------------
    "relative": (
        "![](a.jpg) ![](../b.jpg) ![](/c.jpg) ![](?d)",
        [f"image 1 {BASE}a.jpg", "image 1 https://blog.example/2020/b.jpg", "image 1 https://blog.example/c.jpg", f"image 1 {BASE}?d"],
    ),
    "protocol-relative": ("![](//cdn.example/a.jpg)", ["image 1 https://cdn.example/a.jpg"]),
    "fragment dropped": (f"![]({AT}a.jpg#x)", [f"image 1 {AT}a.jpg"]),
    "escapes, case and signs kept": (
        "![](HTTPS://A.Example/~/a%2Cb%2f../x//y;z,q/*.jpg?u=https%3A%2F%2Fb%2F&e=a|b)",
        ["image 1 HTTPS://A.Example/~/a%2Cb%2f../x//y;z,q/*.jpg?u=https%3A%2F%2Fb%2F&e=a|b"],
    ),
    "international name": ("![](https://bücher.example/ü.jpg)", ["image 1 https://bücher.example/ü.jpg"]),
    # --- raw HTML --------------------------------------------------------------------------------------------------
    "img in a paragraph": (f"text <img alt=x src='{AT}a.jpg'> after", [f"image 1 {AT}a.jpg | after / x"]),
    "img as a block": (f"one\n\n<div>\n<img src={AT}a.jpg>\n</div>", [f"image 4 {AT}a.jpg"]),
    "picture and video": (
        f"<picture>\n<source srcset='{AT}a.webp 1x, {AT}b.webp 2x'>\n<img src={AT}a.jpg>\n</picture>\n\n<video poster={AT}p.jpg></video>",
        [f"srcset 2 {AT}b.webp", f"image 3 {AT}a.jpg", f"image 6 {AT}p.jpg"],
    ),
    "HTML link to a picture": (f'<a href="{AT}full.jpg">see</a>', [f"href 1 {AT}full.jpg | see"]),
    "Markdown in an HTML figure": (
        f"<figure>\n\n![]({AT}a.jpg)\n\n<figcaption>The cat</figcaption></figure>",
        [f"image 3 {AT}a.jpg | The cat"],
    ),
    # --- notations of site generators ------------------------------------------------------------------------------
    "Hugo figure": (
        '{{< figure src="a.jpg" title="T" alt="A" link="full.jpg" >}}',
        [f"image 1 {BASE}a.jpg | T / A", f"href 1 {BASE}full.jpg | T / A"],
    ),
    "Hugo gallery": (
        '{{< gallery >}}\n{{% figure src="a.jpg" %}}\n{{< img "b.png" >}}\n{{< /gallery >}}',
        [f"image 2 {BASE}a.jpg", f"image 3 {BASE}b.png"],
    ),
    "shortcodes in raw HTML": (
        '<div>\n{{< figure\n src="a.jpg" >}}\n{% include image.html src="b.jpg" %}<img src=c.jpg>\n<!-- {{< img "d.jpg" >}} -->\n</div>',
        [f"image 2 {BASE}a.jpg", f"image 4 {BASE}b.jpg", f"image 4 {BASE}c.jpg"],
    ),
    "Hugo in code": ('`{{< figure src="a.jpg" >}}`', []),
    "Jekyll include": ('{% include figure.html image_path="/a.jpg" alt="A" caption="C" %}', ["image 1 https://blog.example/a.jpg | C / A"]),
    "Jekyll include, variable": ("{% include figure src=page.image %} {% if x %}", [f"image 1 {BASE}page.image"]),
    "Obsidian": (
        "![[x.png]] ![[y y.jpg|300]] ![[z.png|A cat]]\n![[note]]",
        [f"image 1 {BASE}x.png", f"image 1 {BASE}y y.jpg", f"image 1 {BASE}z.png / A cat"],
    ),
    "Docusaurus": ("<Image img={require('./a.png')} /> <img src={require('./b.png').default} />", [f"image 1 {BASE}b.png"]),
    "MDX": ("<Image src={'/a.jpg'} alt=\"A\" width={30} />\n\n<Image src={hero} />", ["image 1 https://blog.example/a.jpg / A"]),
    "MDX, expressions beside the picture": (
        "<Image src=\"a.png\" style={{width: 300}} />\n\n<img {...props} src='b.png'/> x\n\n"
        '<img\n  onClick={() => { a > b; say("}") }}\n  src={"c.png"} alt={`C`}\n/>\n\n<img src="d.png" width={30}/>',
        [f"image 1 {BASE}a.png", f"image 3 {BASE}b.png | x", f"image 5 {BASE}c.png / C", f"image 10 {BASE}d.png"],
    ),
    "MDX in a block of HTML": (
        "<div style={{a: {b: 1}}} id={() => x > 1}>\n<img\n onLoad={() => {y > 2}}\n src={'a.png'}/>\n<img src='b.png' {...p} /></div>",
        [f"image 2 {BASE}a.png", f"image 5 {BASE}b.png"],
    ),
    "MDX, counting pixel": (f'<img src="{AT}p.gif" width={{1}} height={{1}} />', []),
    "braces that never close": (f"<Image src={{ a <b c={{ ![]({AT}a.jpg)", [f"image 1 {AT}a.jpg"]),
    "Hugo figure over lines": (
        '{{< figure\n  src="a.jpg"\n  alt="A"\n>}}\n\n> {{<\nfigure\nsrc="b.jpg" >}} x\n\n- {{% img\n"c.jpg"\n%}}\n\n![](d.jpg)',
        [f"image 1 {BASE}a.jpg / A", f"image 6 {BASE}b.jpg", f"image 10 {BASE}c.jpg", f"image 14 {BASE}d.jpg"],
    ),
    "an asset of Hexo": (
        "{% asset_img a.jpg 300 'A title' %} {% asset_img left /b/c.png %}",
        [f"image 1 {BASE}a.jpg", "image 1 https://blog.example/b/c.png"],
    ),
    "an include that calls it img": ('{% include image.html img="a.jpg" %}', [f"image 1 {BASE}a.jpg"]),
    "components of MDX that are pictures": (
        '<StaticImage src="../a.jpg" /> <ExportedImage src={"b.jpg"} alt="B" />',
        ["image 1 https://blog.example/2020/a.jpg", f"image 1 {BASE}b.jpg / B"],
    ),
    "code of Jekyll": (
        "![](a.jpg)\n{% highlight html %}\n![](x.jpg)\n\n<img src=x.jpg>\n{% endhighlight %}\n![](b.jpg)\n"
        "{%- comment -%} ![](x.jpg) {%- endcomment -%} ![](c.jpg)",
        [f"image 1 {BASE}a.jpg", f"image 7 {BASE}b.jpg", f"image 8 {BASE}c.jpg"],
    ),
    "a comment of Jekyll in a block of HTML": (
        "<div>\n    {% comment %} x\n\n    <img src=x.jpg> {% endcomment %}\n    <img src=a.jpg>\n</div>",
        [f"image 5 {BASE}a.jpg"],
    ),
    "raw: no shortcodes, but Markdown": (
        "{% raw %}\n{% include image.html src='x.jpg' %} {{< img 'x.jpg' >}} ![](a.jpg)\n{% endraw %}\n![](b.jpg)",
        [f"image 2 {BASE}a.jpg", f"image 4 {BASE}b.jpg"],
    ),
    "code and comments of Hugo": (
        "{{< highlight html >}}\n![](x.jpg)\n\n![](x.jpg)\n{{< /highlight >}}\n{{/* ![](x.jpg)\n\n![](x.jpg) */}} ![](a.jpg)\n"
        "{{</* figure src='x.jpg' */>}}",
        [f"image 8 {BASE}a.jpg"],
    ),
    "comments of Obsidian": ("%% ![](x.jpg) %% ![](a.jpg)\n\n%%\n![](x.jpg)\n\n![](x.jpg)\n%%\n![](b.jpg)", ["a 1", "b 8"]),
    "footnotes": (
        "x[^1] [^b]\n\n[^1]: ![a](b.jpg)\n\n    ![](c.jpg)\n[^b]: words ![](d.jpg) tail\n\n```\n[^1]: ![](x.jpg)\n```",
        [f"image 3 {BASE}b.jpg / a", "c 5", f"image 6 {BASE}d.jpg | tail"],
    ),
    "variables of Jekyll": (
        "![]({{ site.baseurl }}/a.jpg) ![]({{site.url}}{{ site.baseurl }}/b.jpg)\n![]({{ '/c.jpg' | prepend: site.baseurl }})\n"
        '<img src="{% link i/d.jpg %}"> ![]({{ "/e.jpg" | absolute_url }})',
        [
            "image 1 https://blog.example/a.jpg",
            "image 1 https://blog.example/b.jpg",
            "image 2 https://blog.example/c.jpg",
            "image 3 https://blog.example/i/d.jpg",
            "image 3 https://blog.example/e.jpg",
        ],
    ),
    "variables of Jekyll in code": ("`{{ '/c.jpg' | relative_url }}`\n\n    ![]({{ site.baseurl }}/a.jpg)", []),
    "al-folio's figure": (
        "{% include figure.liquid path='i/a.jpg' %}\n{% include figure.liquid path=\"https://a.example/b.jpg\" %}",
        ["image 1 https://blog.example/i/a.jpg", "image 2 https://a.example/b.jpg"],
    ),
    "imports of MDX": (
        "import hero from './a.jpg'\nimport * as b from \"../b.jpg\"\n\n<Image src={hero} />\n\n<img src={b.src} alt='x'/> <img src={o}/>",
        ["a 4", "image 6 https://blog.example/2020/b.jpg / x"],
    ),
    "front matter with aliases": ("---\nx: &c a.jpg\nimage: *c\n---\n![](b.jpg)", [f"front-matter 2 {BASE}a.jpg", "b 5"]),
    "aliases that stand for billions": (
        "---\na: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9))
        + "images: *j\nimage: a.jpg\n---\n",
        [f"front-matter 13 {BASE}a.jpg"],
    ),
    "keys of front matter in any dress": (
        "---\nheroImage: a.jpg\nhero-image: b.jpg\nog:\n  image: c.jpg\n'og:image': d.jpg\nsocialImage: e.jpg\n---\n",
        [f"front-matter {line} {BASE}{name}.jpg" for line, name in ((2, "a"), (3, "b"), (5, "c"), (6, "d"), (7, "e"))],
    ),
    "front matter that is broken names no address": (
        "---\nimage: [a.jpg\ncover: b.jpg\nthumbnail: !tag x\n---\n",
        [f"front-matter 3 {BASE}b.jpg"],
    ),
    "an alias within its own anchor": ("---\nimages: &a [*a, b.jpg]\nimage: c.jpg\n---\n", [f"front-matter 3 {BASE}c.jpg"]),
    "front matter that names no file": (
        "---\nimage: {feature: a.jpg}\ncover: https://a.example/photo-15?w=8\nheader: words / more\n---\n",
        [f"front-matter 2 {BASE}a.jpg", "front-matter 3 https://a.example/photo-15?w=8"],
    ),
    "comments of MDX": ("{/* ![](x.jpg)\n\n<img src='x.jpg'/> */} ![](a.jpg)", ["a 3"]),
    "marks of comments that are none": (
        "100%% ![](a.jpg) and 50%%\n{% raw %} {{< highlight >}} {/* {{/* ![](b.jpg)\n\n%%\n![](c.jpg)\n\n"
        "`{% raw %}` ![](d.jpg) `{% comment %}` ![](e.jpg) `{% endcomment %}`\n\n"
        "```\n{% comment %}\n```\n![](f.jpg)\n~~~ x\n{% endcomment %}\n~~~\n"
        "x <!-- {% comment %} --> ![](g.jpg) <!-- {% endcomment %} -->\n\n"
        "<style>\na{/* x */ background:url(h.jpg)} b{ /* y */ }\n</style>",
        [
            f"image 1 {BASE}a.jpg | and 50%%",
            "b 2",
            "c 5",
            f"image 7 {BASE}d.jpg | {{% comment %}}",
            f"image 7 {BASE}e.jpg | {{% endcomment %}}",
            "f 12",
            "g 16",
            "h 19",
        ],
    ),
}


def in_full(expected: str) -> str:
    """`a 1` stands for the picture a.jpg in line 1."""
    name, _, line = expected.partition(" ")
    return f"image {line} {BASE}{name}.jpg" if len(name) == 1 else expected


@pytest.mark.parametrize("name", CASES)
def test_markdown(name: str):
    text, expected = CASES[name]
    document = read(text.encode(), "post.md", base_url=BASE)
    found = [row(link) for link in document.links]
    assert found == [in_full(each) for each in expected]


@pytest.mark.parametrize("line_break", ["\r\n", "\r"])
def test_lines_are_counted_whatever_ends_them(line_break: str):
    text = line_break.join(["+++", 'title = "T"', "+++", "", "one", "![](https://a.example/a.jpg) cap", ""])
    (link,) = read(text.encode(), "post.md").links
    assert (link.line, link.caption) == (6, "cap")


def test_the_same_picture_again_is_another_link():
    document = read(b"![a](https://a.example/a.jpg)\n\n![b](https://a.example/a.jpg)", "post.md")
    assert [(link.line, link.alt) for link in document.links] == [(1, "a"), (3, "b")]


def test_every_candidate_on_request():
    text = (
        b'<img src="https://a.example/1.jpg" srcset="https://a.example/1.jpg 1x, https://a.example/2.jpg 2x, https://a.example/3.jpg 3x">'
    )
    assert [link.url[-5:] for link in read(text, "post.md").links] == ["1.jpg", "3.jpg"]
    assert [link.url[-5:] for link in read(text, "post.md", srcset="all").links] == ["1.jpg", "2.jpg", "3.jpg"]


def test_without_a_base_a_relative_picture_is_named_as_out_of_reach():
    document = read(b"![](img/a.jpg) ![](ftp://a.example/b.jpg) ![](//cdn.example/c.jpg)", "posts/p.md")
    assert [link.url for link in document.links] == ["https://cdn.example/c.jpg"]
    assert [link.url for link in document.unsupported] == ["img/a.jpg", "ftp://a.example/b.jpg"]


def test_local_pictures_only_under_the_folder_of_the_post():
    text = (
        b"![](img/a%20b.jpg) ![](../secret.jpg) ![](/etc/passwd) ![](file:///home/me/posts/c.jpg) ![](file:///home/me/d.jpg) ![](C:/x.jpg)"
    )
    document = read(text, "/home/me/posts/p.md", local_images=True)
    assert [image.path for image in document.local_images] == ["img/a b.jpg", "c.jpg"]
    assert [link.url for link in document.unsupported] == ["../secret.jpg", "/etc/passwd", "file:///home/me/d.jpg", "C:/x.jpg"]
    assert read(text, "/home/me/posts/p.md").local_images == ()


def test_a_picture_in_the_post_itself():
    document = read(b"![dot](data:image/png;base64,iVBORw0KGgo=) ![](data:text/html,x)", "p.md")
    (image,) = document.data_images
    assert (image.content_type, image.payload, image.link.alt) == ("image/png", b"\x89PNG\r\n\x1a\n", "dot")
    assert [link.url for link in document.unsupported] == ["data:text/html,x"]


def test_an_address_that_only_the_generator_knows_is_named_as_out_of_reach():
    document = read(b"![]({{ page.cover }}/q.jpg) {{ page.title | upcase }}", "post.md", base_url=BASE)
    assert document.links == ()
    assert [link.url for link in document.unsupported] == ["{{page.cover}}/q.jpg"]


@pytest.mark.parametrize("around", ["{}", "text {} text", "<div>\n{}\n</div>"])
def test_an_expression_in_place_of_an_address_is_named_as_out_of_reach(around: str):
    text = around.format("<Image src={`https://a.example/${x}.png`} /><img src={hero}/>")
    document = read(text.encode(), "post.md", base_url=BASE)
    assert document.links == ()
    assert [link.url for link in document.unsupported] == ["{`https://a.example/${x}.png`}", "{hero}"]
