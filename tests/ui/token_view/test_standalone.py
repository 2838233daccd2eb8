"""A comparison as one HTML file."""

import json
import re

from cope_demo.config import DecodeConfig
from cope_demo.ui.token_view.standalone import standalone_html
from tests.scripted import HOSTILE, messages


def test_standalone_file_holds_the_trace_as_data_only(service):
    trace = list(service.compare("ada", HOSTILE[1], DecodeConfig()))[-1]
    page = standalone_html(trace.to_json(), "Ada")
    assert page.count("</script>") == 2 and HOSTILE[1] not in page
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert messages(data["messages"])[0]["prompt"] == HOSTILE[1]
