"""The page of a plan in a real Chromium: clicks, keys, search, theme, and that nothing from outside runs or is fetched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.plan import Plan
from reconciler.render.html import render_html
from tests.render.plans import HOSTILE, attribute, change, plan, random_plan, shop_plan

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Tab:
    """A page of the browser, and what it complained about or asked for."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self.page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
        self.page.set_default_timeout(10_000)
        self.folder = folder
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", self.refuse)

    def refuse(self, dialog: Any) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def show(self, of: Plan) -> Any:
        path = self.folder / "plan.html"
        path.write_text(render_html(of))
        self.page.goto(path.as_uri())
        return self.page


@pytest.fixture
def tab(browser: Any, tmp_path: Path) -> Iterator[Tab]:
    tab = Tab(browser, tmp_path)
    yield tab
    tab.page.close()
    assert tab.complaints == []
    assert all(url.startswith(("file:", "data:")) for url in tab.requests)


def crowd() -> Plan:
    """More changes than are open from the start."""
    return plan(
        *(
            change(f"image.a{n}", "update", attribute("tag", "old", f"t{n}"), reason=f"r{n}")
            for n in range(30)
        )
    )


def shown(page: Any) -> list[str]:
    return list(page.locator(".change:visible .address").all_inner_texts())


def test_a_click_on_the_graph_opens_the_change(tab: Tab) -> None:
    page = tab.show(crowd())
    assert page.locator("#c7[open]").count() == 0
    page.locator("#n7").click()
    page.locator("#c7[open] summary:focus").wait_for()
    page.locator("#c7 summary").click()
    page.locator("#n7").click()
    page.locator("#c7[open]").wait_for()


def test_the_graph_is_walked_with_arrows_and_entered_with_return(tab: Tab) -> None:
    page = tab.show(shop_plan())
    page.locator("#n0").focus()
    visited = []
    for key in ("ArrowDown", "ArrowRight", "ArrowDown", "ArrowLeft", "End", "Home", "ArrowUp"):
        page.keyboard.press(key)
        visited.append(page.evaluate("document.activeElement.id"))
    assert visited == ["n1", "n3", "n4", "n1", "n4", "n0", "n0"]
    assert page.locator(".n[tabindex='0']").count() == 1
    page.keyboard.press("Enter")
    page.locator("#c0 summary:focus").wait_for()


def test_pointing_at_a_mark_shows_what_it_waits_for(tab: Tab) -> None:
    page = tab.show(shop_plan())
    page.locator("#n3").hover()
    assert page.locator(".n.near").evaluate_all("some => some.map(one => one.id)") == ["n0", "n1", "n3"]
    assert "waits for image.api, secret.stripe-key" in page.locator("#picked").inner_text()
    page.mouse.move(0, 0)
    assert page.locator(".near").count() == 0


def test_search_finds_addresses_values_and_says_how_many(tab: Tab) -> None:
    page = tab.show(crowd())
    page.keyboard.press("/")
    page.keyboard.type("t17")
    page.locator("#status", has_text="1 of 30 changes shown").wait_for()
    assert shown(page) == ["image.a17"]
    assert page.locator(".n.out").count() == 29
    page.keyboard.press("Escape")
    page.locator("#status", has_text="30 changes").wait_for()
    assert len(shown(page)) == 30


def test_kinds_of_change_are_filtered(tab: Tab) -> None:
    page = tab.show(shop_plan())
    page.get_by_label("update").uncheck()
    assert shown(page) == ["image.api", "application.jobs"]
    page.get_by_label("create").uncheck()
    assert page.locator(".wave-group:visible").count() == 1


def test_what_is_filtered_out_comes_back_when_it_is_pointed_to(tab: Tab) -> None:
    page = tab.show(shop_plan())
    page.get_by_label("replace").uncheck()
    page.locator("#attention a", has_text="application.jobs").click()
    page.locator("#c2").wait_for(state="visible")
    assert page.get_by_label("replace").is_checked()


def test_all_are_opened_and_closed(tab: Tab) -> None:
    page = tab.show(crowd())
    page.get_by_role("button", name="Open all").click()
    assert page.locator(".change[open]").count() == 30
    page.get_by_role("button", name="Close all").click()
    assert page.locator(".change[open]").count() == 0


def test_dark_and_light(tab: Tab) -> None:
    page = tab.show(shop_plan())
    colour = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(colour) == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Dark or light").click()
    assert page.evaluate(colour) == "rgb(13, 17, 23)"
    page.get_by_role("button", name="Dark or light").click()
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colour) == "rgb(255, 255, 255)"


def test_what_is_printed_is_open_and_without_controls(tab: Tab) -> None:
    page = tab.show(crowd())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".change[open]").count() == 30
    page.emulate_media(media="print")
    assert not page.locator("#search").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".change[open]").count() == 0


def test_without_scripts_everything_is_there(browser: Any, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    path = tmp_path / "plan.html"
    path.write_text(render_html(shop_plan()))
    page.goto(path.as_uri())
    assert page.locator(".change[open]").count() == 5
    assert not page.locator("#search").is_visible()
    context.close()


def test_a_screen_reader_finds_its_way(tab: Tab) -> None:
    page = tab.show(shop_plan())
    assert page.get_by_role("link", name="application.api: update, rollout, waits for").count() == 1
    assert page.get_by_role("searchbox", name="Search addresses").count() == 1
    assert page.get_by_role("img", name="Rollout in 3 steps").count() == 1
    assert page.get_by_role("main").get_by_role("group", name="Graph of changes").count() == 1
    assert page.get_by_role("contentinfo").count() == 1
    assert page.get_by_role("heading", name="Attention").count() == 1
    assert page.get_by_role("status").inner_text() == "5 changes"


def test_the_first_stop_of_the_keyboard_leads_past_the_head(tab: Tab) -> None:
    page = tab.show(shop_plan())
    page.keyboard.press("Tab")
    assert page.locator(".skip:focus").is_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_all_is_reached_without_a_mouse(tab: Tab) -> None:
    """Search, filters, graph and changes; return and space do what a click does."""
    page = tab.show(crowd())
    page.locator("#search").focus()
    page.keyboard.type("a7")
    page.locator("#status", has_text="1 of 30 changes shown").wait_for()
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    page.keyboard.press("Space")
    page.locator("#c7[open]").wait_for()


@pytest.mark.parametrize("width", [320, 390, 800])
def test_a_narrow_window_is_enough(tab: Tab, width: int) -> None:
    page = tab.show(shop_plan())
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    heights = page.locator(".diff tr").evaluate_all("some => some.map(one => one.offsetHeight)")
    assert max(heights) < 140


def test_a_dark_page_is_printed_black_on_white(tab: Tab) -> None:
    page = tab.show(shop_plan())
    page.get_by_role("button", name="Dark or light").click()
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(31, 35, 40)"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('del')).textDecorationLine") == "line-through"
    )


def test_what_it_costs_is_a_click_away(tab: Tab) -> None:
    page = tab.show(shop_plan())
    page.locator("header a", has_text="a month").click()
    assert page.evaluate("location.hash") == "#cost"
    page.locator("#cost", has_text="10 × basic").wait_for(state="visible")


def test_hostile_texts_are_shown_and_not_obeyed(tab: Tab) -> None:
    some = [
        change(f"image.a{n}", "update", attribute("tag", text, f"{text}!"), reason=text, notes=(text,))
        for n, text in enumerate(HOSTILE)
    ]
    page = tab.show(plan(*some))
    page.get_by_role("button", name="Open all").click()
    assert page.locator("img, iframe, object, base, form").count() == 0
    assert "<img src=x onerror=alert(1)>" in page.locator("#changes").text_content()


def test_the_policy_stops_what_would_be_slipped_in(tab: Tab) -> None:
    page = tab.show(shop_plan())
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            try { script.textContent = "window.slipped = 1"; document.body.append(script); } catch (refused) {}
            try { document.body.innerHTML = "<img src=x>"; } catch (refused) {}
            fetch("https://evil.example/").catch(() => {});
        }"""
    )
    assert page.evaluate("window.slipped") is None
    assert page.locator("h1").count() == 1
    assert any("Content Security Policy" in text for text in tab.complaints)
    tab.complaints.clear()
    tab.requests = [url for url in tab.requests if "evil.example" not in url]


def test_a_thousand_changes_are_searched_and_opened(tab: Tab) -> None:
    page = tab.show(random_plan(3, 1000))
    page.locator("#search").fill("application.w")
    page.locator("#status", has_text="of 1000 changes shown").wait_for()
    page.locator(".n:not(.out)").first.focus()
    page.keyboard.press("Enter")
    page.locator(".change[open]").first.wait_for()
