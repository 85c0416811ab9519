"""The broker that anybody may start leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.python.architecture._files import ROOT
from tests.python.connectors.kafka import tools


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_removes_its_folder_however_often_it_is_told(
    tmp_path: Path, number: signal.Signals
) -> None:
    """At any moment: here while it starts."""
    with subprocess.Popen(
        [sys.executable, "scripts/kafka_broker.py"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        tools.until(lambda: any(tmp_path.iterdir()))
        for _ in range(3):
            process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert list(tmp_path.iterdir()) == []
