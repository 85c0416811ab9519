"""Starts an Apache Kafka broker of one node on this machine, for tests, benchmarks and trying out.

    python scripts/kafka_broker.py        # prints its address, runs until Ctrl-C

Java must be there, and Maven the first time, when it fetches Kafka into `.cache/kafka`. Data go to
a temporary folder. The broker listens on the loopback interface alone, and creates no topics by
itself.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from pathlib import Path
from time import monotonic
from types import TracebackType

ROOT = Path(__file__).resolve().parents[1]
_POM = Path(__file__).with_suffix(".pom.xml")
_START_TIMEOUT_S = 90.0
_FETCH_TIMEOUT_S = 600.0
#: By its full name, so that a failure names what could not be fetched.
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
_WAY_OUT = (
    "the first time needs the network: try again, or name a proxy or mirror in ~/.m2/settings.xml"
)

#: Whom the listener with credentials lets in.
USER, PASSWORD = "ada", "right"

_QUICK_START = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_STEADY = ("-Xms1g", "-Xmx1g", "-XX:+UseSerialGC")


def fetch() -> Path:
    """Fetch Kafka where it is not here yet.

    Returns:
        The folder of its archives.

    Raises:
        RuntimeError: It cannot be had.
    """
    version = hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]
    folder = ROOT / ".cache" / "kafka" / version
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / "lock", "w") as lock:
        # Several test runs may want it at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _download(folder)
    return folder


def _download(folder: Path) -> None:
    for command, package in (("java", "a Java 17 or newer"), ("mvn", "Maven")):
        if shutil.which(command) is None:
            raise RuntimeError(f"Kafka needs {package}: there is no command {command!r}")
    partial = folder.with_name("partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(_POM), _COPY, f"-DoutputDirectory={partial}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        text = f"Maven did not fetch Kafka within {_FETCH_TIMEOUT_S:.0f} s; {_WAY_OUT}"
        raise RuntimeError(text) from None
    if done.returncode != 0:
        raise RuntimeError(f"Maven could not fetch Kafka; {_WAY_OUT}\n{done.stdout}{done.stderr}")
    partial.rename(folder)


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


class KafkaBroker:
    """A broker; a context manager that starts it and removes it with all its data."""

    def __init__(self, *, steady: bool = False) -> None:
        """Choose ports and a folder.

        Args:
            steady: Whether to start a little later and to be faster then, for benchmarks.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="cppwax-kafka-"))
        plain, checked, controller = _free_ports(3)
        self.address = f"127.0.0.1:{plain}"
        """`host:port`, open to everyone."""
        self.checked_address = f"127.0.0.1:{checked}"
        """`host:port`, open to `USER` with `PASSWORD` by SASL's PLAIN."""
        self._ports = (plain, checked)
        self._options = _STEADY if steady else _QUICK_START
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = self._folder / "server.properties"
        self._settings.write_text(self._properties(plain, checked, controller))

    def _properties(self, plain: int, checked: int, controller: int) -> str:
        login = "org.apache.kafka.common.security.plain.PlainLoginModule"
        listeners = f"PLAIN://127.0.0.1:{plain},CHECKED://127.0.0.1:{checked}"
        return "\n".join(
            (
                "process.roles=broker,controller",
                "node.id=1",
                f"controller.quorum.voters=1@127.0.0.1:{controller}",
                "controller.listener.names=CONTROLLER",
                f"listeners={listeners},CONTROLLER://127.0.0.1:{controller}",
                f"advertised.listeners={listeners}",
                "listener.security.protocol.map="
                "PLAIN:PLAINTEXT,CHECKED:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
                "inter.broker.listener.name=PLAIN",
                "listener.name.checked.sasl.enabled.mechanisms=PLAIN",
                f"listener.name.checked.plain.sasl.jaas.config={login} required "
                f'user_{USER}="{PASSWORD}";',
                f"log.dirs={self._folder / 'data'}",
                "auto.create.topics.enable=false",
                "group.initial.rebalance.delay.ms=0",
                "offsets.topic.num.partitions=1",
                "offsets.topic.replication.factor=1",
                "transaction.state.log.num.partitions=1",
                "transaction.state.log.replication.factor=1",
                "transaction.state.log.min.isr=1",
                "share.coordinator.state.topic.replication.factor=1",
                "share.coordinator.state.topic.min.isr=1",
                "",
            )
        )

    def _java(self, *arguments: str) -> list[str]:
        # A test run that is killed must not leave it behind.
        guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        log = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        return [*guard, "java", *self._options, log, "-cp", f"{fetch()}/*", *arguments]

    def __enter__(self) -> KafkaBroker:
        """Start it."""
        try:
            cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            tool = self._java("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c")
            done = subprocess.run(
                [*tool, str(self._settings)], capture_output=True, text=True, timeout=120
            )
            if done.returncode != 0:
                raise RuntimeError(f"no storage for Kafka:\n{done.stdout}{done.stderr}")
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it and remove its data."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def data(self) -> Path:
        """The folder of its topics."""
        return self._folder / "data"

    def start(self) -> None:
        """Start it, on the same ports and with the same data as before.

        Raises:
            RuntimeError: It does not come up.
        """
        with open(self._folder / "log.txt", "ab") as log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._settings)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = monotonic() + _START_TIMEOUT_S
        for port in self._ports:
            while not self._listens(port):
                if self._process.poll() is not None or monotonic() > end:
                    self.kill()
                    text = (self._folder / "log.txt").read_text("utf-8", "replace")
                    raise RuntimeError(f"Kafka did not come up:\n{text[-4000:]}")

    def _listens(self, port: int) -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            threading.Event().wait(0.05)
            return False
        return True

    def stop(self) -> None:
        """Let it end in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def _end(self, by: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(by)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main() -> None:
    """Run one until Ctrl-C or SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with KafkaBroker() as broker:
        print(broker.address, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    sys.exit(main())
