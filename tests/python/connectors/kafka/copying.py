"""Runs `programs/copying.py` as processes of their own, over one store, and kills them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from cppwax.recovery import init_db_dir

ROOT = Path(__file__).resolve().parents[4]
PROGRAM = "tests.python.connectors.kafka.programs.copying:get_flow"


class Copying:
    """One dataflow, run again and again."""

    def __init__(
        self, brokers: str, source: str, target: str, folder: Path, transactions: bool = True
    ) -> None:
        self._folder = folder
        folder.mkdir()
        init_db_dir(folder, 2)
        id_ = target if transactions else ""
        names = {"BROKER": brokers, "FROM": source, "TO": target, "ID": id_}
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self._environment = {**os.environ, **names, "PYTHONPATH": path}

    def start(self, *options: str, **environment: str) -> subprocess.Popen[str]:
        """Start a run; `environment` is that of the program."""
        command = [sys.executable, "-m", "cppwax.run", PROGRAM, "-r", str(self._folder)]
        return subprocess.Popen(
            [*command, "-s", "0.02", *options],
            env={**self._environment, **environment},
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *options: str, within_s: float = 90, **environment: str) -> tuple[int, str]:
        """Wait for a run; give its exit code and what it said."""
        with self.start(*options, **environment) as process:
            _, stderr = process.communicate(timeout=within_s)
            return process.returncode, stderr

    def die_twice_and_end(self, crash: str, **environment: str) -> None:
        """Let two runs die at a place, the second in what the first has left, and one end."""
        code, stderr = self.run(CRASH=crash, **environment)
        assert code == -signal.SIGKILL, stderr
        self.run(CRASH=crash, **environment)
        code, stderr = self.run()
        assert code == 0, stderr

    def cut_short(
        self,
        chance: random.Random,
        at_s: tuple[float, float],
        *options: str,
        **environment: str,
    ) -> bool:
        """Let a run of one to three workers be killed or stopped at some moment.

        Returns:
            Whether it had ended by itself before.
        """
        with self.start("-w", str(chance.randint(1, 3)), *options, **environment) as process:
            ended = True
            try:
                process.wait(timeout=chance.uniform(*at_s))
            except subprocess.TimeoutExpired:
                ended = False
                process.send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM]))
            _, stderr = process.communicate(timeout=60)
        assert "RecoveryError" not in stderr and "Kafka" not in stderr, stderr
        assert not ended or process.returncode == 0, stderr
        return ended
