"""The script that stands before all of Gradio's in the page (assets/framed.js); Gradio has no place that early."""

from cope_demo.ui.component import BUNDLES


def put_first(html: bytes) -> bytes:
    """A page of Gradio's with our script at the beginning of its head; any other HTML as it is."""
    script = (BUNDLES / "framed.js").read_bytes()
    return html.replace(b"<head>", b"<head><script>%s</script>" % script, 1)
