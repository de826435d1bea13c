"""The operator's page in a real browser. Driven by tests/integration/server/page_browser.rs,
which starts the service and the browser's test with one JSON argument, and is told by files
in a folder when to do what."""

import json
import sys
import time
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import expect, sync_playwright

SETTINGS = json.loads(sys.argv[1])
URL, FOLDER, PICTURES = SETTINGS["url"], Path(SETTINGS["folder"]), Path(SETTINGS["pictures"])
NAME, PASSWORD = SETTINGS["name"], SETTINGS["password"]
AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text()
VIEWS = ["", "/runs", "/files", "/rejects", "/uploads", "/feeds", "/feeds/st-marys-nightly", "/sinks", "/senders", "/references", "/elements", "/data", "/views", "/views/blood_pressures", "/system"]
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)

complaints = []


def begin(browser, **options):
    """A context that notes every violation of the policy and every error of the script."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.on("console", lambda message: message.type == "error" and "status of 4" not in message.text
            and complaints.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
    page.on("request", lambda request: request.url.startswith(URL) or complaints.append(f"foreign: {request.url}"))
    return page


def audit(page, where, rules=None):
    """Axe-core finds nothing to complain of."""
    if not page.evaluate("() => window.axe !== undefined"):
        page.evaluate(AXE)
    options = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    result = page.evaluate("options => axe.run(document, options)", options)
    for violation in result["violations"]:
        nodes = [node["html"][:160] + " " + node["failureSummary"][:200] for node in violation["nodes"][:3]]
        complaints.append(f"{where}: {violation['id']}: {violation['help']}: {nodes}")


def sign_in(page, password):
    page.goto(f"{URL}/page")
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def tell(word):
    (FOLDER / word).write_text("")


def picture(page, name, full_page=False):
    page.screenshot(path=PICTURES / f"page-{name}.png", full_page=full_page)


def by_keyboard(page):
    """Signs in, skips the navigation and walks over the overview without a mouse."""
    page.goto(f"{URL}/page")
    audit(page, "login")
    picture(page, "login")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(NAME)
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong.")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    assert skip.bounding_box()["y"] >= 0, "the skip link is visible once it has the focus"
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    # Everything can be reached, in the order of the page, and shows that it has the focus.
    page.reload()
    expected = page.evaluate("""() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')]
        .filter(element => element.checkVisibility()).map(element => element.textContent.trim())""")
    reached = []
    for _ in expected:
        page.keyboard.press("Tab")
        text, outline = page.evaluate("""() => [document.activeElement.textContent.trim(),
            getComputedStyle(document.activeElement).outlineStyle]""")
        assert outline != "none", f"{text} does not show the focus"
        reached.append(text)
    assert reached == expected, f"{reached} instead of {expected}"


def in_two_clicks(page):
    """From the overview to the failing file, and on to the reason; and retries by keyboard."""
    page.goto(f"{URL}/page")
    page.get_by_role("link", name="north/broken.ndjson").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("File")
    picture(page, "file", full_page=True)
    audit(page, "file")
    page.locator("tbody th a").first.click()
    expect(page.get_by_text("no_resource_type").first).to_be_visible()
    expect(page.get_by_text("line 2").first).to_be_visible()
    audit(page, "reject")
    picture(page, "reject")
    page.get_by_role("button", name="Retry").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("1 reject was put into the inbox again.")


def live(page):
    """A running load is shown as it goes on, without a reload."""
    page.goto(f"{URL}/page")
    running = page.locator("#live article.run")
    page.evaluate("() => window.marker = true")
    expect(page.locator("#live-state")).to_have_text("Live")
    tell("load")
    expect(running).to_contain_text("slow.ndjson")
    expect(running.locator("progress")).to_be_visible()
    audit(page, "running")
    picture(page, "running", full_page=True)
    tell("go-on")
    expect(page.locator("#live")).to_contain_text("Nothing is running.")
    assert page.evaluate("() => window.marker"), "the page was not loaded again"


def views(page):
    for view in VIEWS:
        page.goto(f"{URL}/page{view}")
        audit(page, view or "overview")
        picture(page, view.strip("/").replace("/", "-") or "overview", full_page=view == "")


def dark(page):
    page.emulate_media(color_scheme="dark")
    for view in ["", "/files", "/rejects", "/system"]:
        page.goto(f"{URL}/page{view}")
        audit(page, f"dark {view}", ["color-contrast"])
    page.goto(f"{URL}/page")
    picture(page, "dark", full_page=True)
    page.emulate_media(color_scheme="light")


def phone(page):
    """Nothing has to be scrolled sideways."""
    page.set_viewport_size({"width": 360, "height": 760})
    for view in VIEWS + ["/files/1", "/rejects/1", "/data/public/patient"]:
        page.goto(f"{URL}/page{view}")
        width = page.evaluate("() => document.documentElement.scrollWidth")
        if width > 360:
            complaints.append(f"phone {view}: {width} pixels wide")
        inner = page.evaluate("""() => [...document.querySelectorAll('.scroll')]
            .filter(element => element.scrollWidth > element.clientWidth).length""")
        if inner:
            complaints.append(f"phone {view}: {inner} tables are wider than the screen")
    page.goto(f"{URL}/page")
    picture(page, "phone")
    page.goto(f"{URL}/page/files")
    picture(page, "phone-files")


def without_script(browser):
    page = begin(browser, java_script_enabled=False)
    sign_in(page, PASSWORD)
    expect(page.locator("#live")).to_contain_text("Nothing is running.")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You have signed out.")).to_be_visible()
    page.context.close()


def locked(browser):
    page = begin(browser)
    for _ in range(5):
        sign_in(page, "wrong")
        expect(page.get_by_role("alert")).to_be_visible()
    sign_in(page, PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Too many attempts")
    page.context.close()


def main():
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=SETTINGS["chromium"], args=["--no-sandbox"])
        page = begin(browser, viewport={"width": 1280, "height": 900})
        steps = [by_keyboard, in_two_clicks, live, views, dark, phone]
        for step in steps:
            since = time.monotonic()
            step(page)
            print(f"{step.__name__}: {time.monotonic() - since:.1f} s", flush=True)
        without_script(browser)
        locked(browser)
        browser.close()
    if complaints:
        sys.exit("\n".join(complaints))


main()
