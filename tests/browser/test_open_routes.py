"""What the page asks of the server in a browser is open to it."""

from tests.browser.conftest import visit
from tests.browser.test_token_view import compare


def test_the_page_is_refused_nothing(chromium, service, scripted_url):
    refused, seen = [], set()
    with visit(chromium, scripted_url) as page:
        page.on("response", lambda answer: answer.status >= 400 and refused.append(answer.url))
        page.on("request", lambda request: seen.add(request.url.split("/gradio_api/")[-1].split("?")[0]))
        page.reload()
        page.wait_for_selector(".people .card")
        compare(page)
    assert refused == [] and {"queue/join", "queue/data", "run/predict"} <= seen
