"""A browser without scripts: it keeps cookies, follows redirects, reads pages as a tree and fills in their forms, as a
person with a keyboard does. Sends Origin as browsers do."""
import html.parser
import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request

from .service import Answer

VOID = {"meta", "input", "br", "link", "img", "hr"}  # elements without an end


class Element:
    def __init__(self, name, attributes, parent):
        self.name, self.attributes, self.parent, self.children = name, dict(attributes), parent, []

    def walk(self):
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, *names):
        return [each for each in self.walk() if each.name in names]

    @property
    def text(self):
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def __getitem__(self, attribute):
        return self.attributes.get(attribute)

    def __repr__(self):
        return f"<{self.name} {self.attributes}>"


class Tree(html.parser.HTMLParser):
    """Elements that are closed in another order than they were opened are an error, which a browser would repair silently."""

    def __init__(self, text):
        super().__init__()
        self.root = self.here = Element("", {}, None)
        self.feed(text)
        self.close()
        assert self.here is self.root, f"{self.here} is not closed"

    def handle_starttag(self, name, attributes):
        assert len({each for each, _ in attributes}) == len(attributes), f"an attribute of {name} stands twice: {attributes}"
        made = Element(name, attributes, self.here)
        self.here.children.append(made)
        if name not in VOID:
            self.here = made

    def handle_endtag(self, name):
        assert self.here.name == name, f"</{name}> within {self.here}"
        self.here = self.here.parent

    def handle_data(self, data):
        self.here.children.append(data)


class Page:
    def __init__(self, answer, address):
        self.answer, self.address, self.status, self.headers = answer, address, answer.status, answer.headers
        self.root = Tree(answer.text).root

    @property
    def heading(self):
        return self.root.all("h1")[0].text

    @property
    def text(self):
        """What a person reads."""
        return " ".join(self.root.all("main")[0].text.split())

    def form(self, button=None):
        """The one that has that button, or the only one."""
        forms = [form for form in self.root.all("form") if button is None or button in form.all("button")[0].text]
        assert len(forms) == 1, (button, self)
        return forms[0]

    def __repr__(self):
        return f"<{self.status} {self.address}: {self.text if self.root.all('main') else self.answer!r}>"


class Browser:
    def __init__(self, service):
        self.service = service
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.seen = []  # every Page

    def open(self, address, fields=None):
        """Of a path or a whole address; fields: what a form sends."""
        data = None if fields is None else urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(urllib.parse.urljoin(self.service.api, address), data)
        if data is not None:
            request.add_header("Origin", self.service.api)
        try:
            with self.opener.open(request, timeout=30) as response:
                page = Page(Answer(response.status, response.headers, response.read()), response.url)
        except urllib.error.HTTPError as e:
            page = Page(Answer(e.code, e.headers, e.read()), e.url)
        self.seen.append(page)
        return page

    def submit(self, page, button=None, **typed):
        """What is typed must be asked for by a field of that name."""
        form = page.form(button)
        fields = {field["name"]: field["value"] or "" for field in form.all("input")}
        assert typed.keys() <= {field["name"] for field in form.all("input") if field["type"] != "hidden"}, (typed, form)
        return self.open(form["action"], fields | typed)

    def log_in(self, email, password, page=None):
        return self.submit(page or self.open("/login"), email=email, password=password)
