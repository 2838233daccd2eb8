"""Our script comes before all of Gradio's."""

from cope_demo.ui.web.first_script import put_first


def test_it_is_the_first_thing_in_the_head_and_one_whole_script():
    page = put_first(b"<html><head><meta><script>gradio</script></head></html>").decode()
    assert page.startswith("<html><head><script>") and page.index("copeForgets") < page.index("<meta>")
    assert page.count("<script") == page.count("</script>") == 2 and page.endswith("gradio</script></head></html>")


def test_other_html_stays_as_it_is():
    assert put_first(b"<p>no head</p>") == b"<p>no head</p>"
