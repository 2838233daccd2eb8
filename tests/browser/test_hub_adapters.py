"""A fit goes to its person's own account and comes back from there: by its name in the field, and by a link."""

import pytest

from cope_demo.visitors.owners import owner_of_account
from tests import accounts
from tests.accounts import run_page_with_accounts
from tests.browser.conftest import PHONE, visit
from tests.browser.test_token_view import COPE
from tests.hub.fake_hub import TOKEN
from tests.hub.fake_models import COMMIT, run_models
from tests.scripted import Service, publish

PINNED = f"ada/voice@{COMMIT}"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The page where people log in, its hub, and a fit of the account `ada`'s."""
    root = tmp_path_factory.mktemp("hub")
    with pytest.MonkeyPatch.context() as patch, run_models() as hub:
        patch.setenv("COPE_DATA", str(root / "var"))
        patch.setattr(accounts, "ACCESS_TOKEN", TOKEN)
        service = Service(root)
        publish(service.store, root / "fit", "mine", "Seamstress", owner=owner_of_account({"sub": "ada"}))
        with run_page_with_accounts(service) as page:
            yield page, hub


def sign_in(url: str) -> dict:
    """A browser's memory that is logged in as ada."""
    cookie = {"name": "session", "value": "ada", "domain": "127.0.0.1", "path": "/", "expires": -1}
    return {"cookies": [cookie | {"httpOnly": True, "secure": False, "sameSite": "Lax"}], "origins": []}


def test_a_fit_is_pushed_and_opened_again(chromium, running):
    page, hub = running
    with visit(chromium, page.url, state=sign_in(page.url)) as tab:
        tab.get_by_role("radio", name="Seamstress").click()
        tab.get_by_label("Name of the repository").fill("voice")
        tab.get_by_role("button", name="Push to my account").click()
        told = tab.locator(".cope-takeaway .told")
        told.get_by_text(PINNED).wait_for()
        assert told.get_by_role("link").get_attribute("href") == f"{hub.address}/ada/voice"
        assert hub.repos["ada/voice"].private
        tab.get_by_text("Open adapters from the Hugging Face hub").click()
        field = tab.get_by_label("Name on the hub")
        field.fill("ada/other")
        field.press("Enter")
        tab.locator(".cope-hub .problem", has_text="no repository ada/other that this app may read").wait_for()
        assert field.input_value() == "ada/other"
        field.fill("ada/voice")
        tab.locator(".cope-hub").get_by_role("button", name="Open").click()
        tab.locator(".cope-fit .headline", has_text="From the Hugging Face hub: ada/voice").wait_for()
        assert tab.get_by_role("radio", name="voice").get_attribute("aria-checked") == "true"
        assert not tab.locator(".cope-takeaway button").count() and not tab.locator(".cope-behind summary").count()
        tab.locator("#compare").click()
        tab.locator(f"{COPE}.ended").wait_for()
        tab.get_by_role("button", name="Copy link").click()
        link = tab.get_by_label("The link").input_value()
        assert f"adapter=ada%2Fvoice%40{COMMIT}" in link and "user=" not in link
        tab.get_by_role("button", name="Delete these adapters here").click()
        tab.get_by_role("radio", name="voice").wait_for(state="detached")


def test_a_link_to_adapters_opens_them_or_says_why_not(chromium, running):
    page, hub = running
    page.service.push_adapters("mine", "ada/voice", TOKEN, False)
    hub.repos["ada/voice"].private = False
    address = f"{page.url}?adapter={PINNED}&prompt=Write+of+soup.&alpha=0.5"
    with visit(chromium, address, size=PHONE) as tab:
        tab.get_by_role("radio", name="voice").wait_for()
        tab.wait_for_function("document.querySelector('#prompt textarea').value === 'Write of soup.'")
        assert tab.locator(".cope-opened").inner_text().startswith("voice, the prompt and the settings")
        wide = tab.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"]
        tab.locator(".cope-takeaway").wait_for(state="hidden")
    hub.repos["ada/voice"].private = True
    with visit(chromium, address) as tab:
        tab.locator(".cope-hub .problem", has_text="opens once you are signed in").wait_for()
        assert tab.get_by_label("Name on the hub").input_value() == PINNED
