"""A page's form as a browser without JavaScript has it: its inputs read from the markup, typed into, sent."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.test import Client

VOID = {"input", "br", "img", "link", "meta", "hr"}


class Form(HTMLParser):
    """The values that the browser would send. A template's content is no part of the form."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.data: dict[str, str] = {}
        self.buttons: list[str] = []
        self.options: dict[str, list[str]] = {}
        self.markup = markup
        self._inert = 0
        self._name = ""
        self._text: list[str] | None = None
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "template":
            self._inert += 1
        if self._inert or (not name and tag != "option"):
            return
        if tag == "input":
            self._read_input(name, given)
        elif tag == "button":
            self.buttons.append(name)
        elif tag == "textarea":
            self._name, self._text = name, []
        elif tag == "select":
            self._name = name
            self.data[name], self.options[name] = "", []
        elif tag == "option" and self._name:
            value = given.get("value") or ""
            self.options[self._name].append(value)
            if "selected" in given:
                self.data[self._name] = value

    def _read_input(self, name: str, given: dict[str, Any]) -> None:
        kind = given.get("type", "text")
        if kind == "submit":
            self.buttons.append(name)
        elif kind not in ("checkbox", "radio") or "checked" in given:
            self.data[name] = given.get("value") or ("on" if kind == "checkbox" else "")

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._inert -= 1
        elif tag == "textarea" and self._text is not None:
            # A browser drops the line break that Django puts first.
            self.data[self._name] = "".join(self._text).removeprefix("\n")
            self._name, self._text = "", None
        elif tag == "select":
            self._name = ""

    def row(self, field: str) -> str:
        """The prefix of the row of a field, found by its name."""
        return next(
            key.removesuffix("-name")
            for key, value in self.data.items()
            if key.startswith("fields-") and key.endswith("-name") and "verbose" not in key and value == field
        )

    def restoring(self, field: str) -> str:
        return next(
            key.removesuffix("-name")
            for key, value in self.data.items()
            if key.startswith("restore-") and key.endswith("-name") and value == field
        )

    def set(self, prefix: str, **typed: Any) -> Form:
        """Type into inputs; None unticks a box."""
        for name, value in typed.items():
            key = f"{prefix}-{name}" if prefix else name
            if value is None:
                self.data.pop(key, None)
            else:
                self.data[key] = str(value)
        return self


class Browser:
    """A client at one page with one form."""

    def __init__(self, client: Client, url: str) -> None:
        self.client = client
        self.url = url
        self.load()

    def load(self) -> Form:
        response = self.client.get(self.url)
        assert response.status_code == 200
        self.form = Form(response.text)
        return self.form

    def press(self, button: str = "_review") -> Any:
        """Send the form; where the page comes again, its form is the one that is open now."""
        assert button in self.form.buttons, self.form.buttons
        response = self.client.post(self.url, {**self.form.data, button: "1"})
        if response.status_code == 200:
            self.form = Form(response.text)
        return response
