"""What headless Chromium makes of a page: its scripts run, and then one of the test's."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--dump-dom")


def seen(page: Path, script: str, folder: Path, fragment: str = "", width: int = 800) -> Any:
    """What a script that runs last in the page returns; the test fails on an error of any script in the page."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("chromium is missing")
    errors = "<script>const errors = []; addEventListener('error', (event) => errors.push(event.message));</script>"
    last = f"""<pre id="seen"></pre><script type="module">
    const click = (selector) => document.querySelector(selector).click();
    const all = (selector, of = (each) => each.textContent) => [...document.querySelectorAll(selector)].map(of);
    let result = null;
    try {{ result = (() => {{ {script} }})(); }} catch (error) {{ errors.push(error.message); }}
    document.getElementById("seen").textContent = JSON.stringify([errors, result]);
    </script>"""
    copy = folder / "seen.html"
    text = page.read_text("utf-8").replace("<head>", f"<head>{errors}").replace("</body>", f"{last}</body>")
    copy.write_text(text, "utf-8")
    line = [
        chromium,
        *FLAGS,
        f"--window-size={width},1000",
        f"--user-data-dir={folder / 'browser'}",
        f"{copy.as_uri()}{fragment}",
    ]
    shown = subprocess.run(line, capture_output=True, text=True, check=True, timeout=120).stdout
    found = re.search(r'<pre id="seen">(.*?)</pre>', shown, re.DOTALL)
    assert found is not None
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    errors, result = json.loads(text)
    assert errors == [], errors
    return result
