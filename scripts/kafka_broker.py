"""Starts Apache Kafka on this machine, for tests, benchmarks and trying out.

    python scripts/kafka_broker.py        # one broker: prints its address, runs until Ctrl-C

Java must be there, and Maven the first time, when it fetches Kafka into `.cache/kafka`. Data go to
a temporary folder. Brokers listen on the loopback interface alone, and create no topics by
themselves.
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
from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from types import TracebackType

from typing_extensions import Self

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
#: How long what SCRAM was shown is good for.
REAUTHENTICATION_S = 3

_QUICK_START = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_SMALL = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_STEADY = ("-Xms1g", "-Xmx1g", "-XX:+UseSerialGC")

#: Of all nodes.
_COMMON = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAIN:PLAINTEXT,CHECKED:SASL_PLAINTEXT,SEALED:SSL,"
    "SEALEDCHECKED:SASL_SSL,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAIN",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}


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


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        threading.Event().wait(0.05)
        return False
    return True


class KafkaNode:
    """A process of Kafka, broker and controller in one, with a folder of its own."""

    def __init__(
        self, folder: Path, settings: dict[str, str], ports: tuple[int, ...], options: Iterable[str]
    ) -> None:
        """Choose what to run.

        Args:
            folder: Where all its files go; `format` makes it.
            settings: What makes it other than other nodes.
            ports: Where it will answer once it is up; the first is open to everyone.
            options: Of Java.
        """
        self._folder = folder
        self._ports = ports
        self._options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = folder / "server.properties"
        self.address = f"127.0.0.1:{ports[0]}"
        """`host:port`, open to everyone."""
        self._lines = {**_COMMON, **settings, "log.dirs": str(self.data)}

    @property
    def data(self) -> Path:
        """The folder of its topics."""
        return self._folder / "data"

    def _java(self, *arguments: str) -> list[str]:
        # A test run that is killed must not leave it behind.
        guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        log = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        return [*guard, "java", *self._options, log, "-cp", f"{fetch()}/*", *arguments]

    def format(self, cluster_id: str) -> None:
        """Make the storage, once.

        Raises:
            RuntimeError: It cannot be made.
        """
        self._folder.mkdir()
        lines = [f"{name}={value}\n" for name, value in self._lines.items()]
        self._settings.write_text("".join(lines))
        tool = self._java("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c")
        done = subprocess.run(
            [*tool, str(self._settings)], capture_output=True, text=True, timeout=120
        )
        if done.returncode != 0:
            raise RuntimeError(f"no storage for Kafka:\n{done.stdout}{done.stderr}")

    def launch(self) -> None:
        """Start it, on the same ports and with the same data as before; do not wait for it."""
        with open(self._folder / "log.txt", "ab") as log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._settings)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            RuntimeError: It does not come up.
        """
        process = self._process
        assert process is not None, "it was not launched"
        end = monotonic() + _START_TIMEOUT_S
        for port in self._ports:
            while not _listens(port):
                if process.poll() is not None or monotonic() > end:
                    self.kill()
                    text = (self._folder / "log.txt").read_text("utf-8", "replace")
                    raise RuntimeError(f"Kafka did not come up:\n{text[-4000:]}")

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: It does not come up.
        """
        self.launch()
        self.wait()

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


class _Running:
    """Nodes that a context manager starts, and removes with all their data."""

    def __init__(self) -> None:
        # Made later, where it is also removed.
        self._root = Path(tempfile.gettempdir()) / f"cppwax-kafka-{uuid.uuid4().hex}"
        self.nodes: list[KafkaNode] = []
        """All of them, whether they run or not."""

    def __enter__(self) -> Self:
        """Start them."""
        try:
            self._root.mkdir(mode=0o700)
            self._prepare()
            cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            for node in self.nodes:
                node.format(cluster_id)
                node.launch()
            for node in self.nodes:
                node.wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _prepare(self) -> None:
        """Make the files that are of no node alone."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End them and remove their data."""
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self._root, ignore_errors=True)


class KafkaBroker(_Running):
    """A broker alone.

    It keeps rules of access. What has none is open to everyone, and all is to who shows nothing.
    """

    def __init__(self, *, steady: bool = False, tls: bool = False) -> None:
        """Choose ports and a folder.

        Args:
            steady: Whether to start a little later and to be faster then, for benchmarks.
            tls: Whether to have the two ports with TLS too; the command openssl makes what they
                need.
        """
        super().__init__()
        plain, checked, sealed, sealed_checked, controller = _free_ports(5)
        self.checked_address = f"127.0.0.1:{checked}"
        """`host:port`, open to `USER` with `PASSWORD` by SASL's PLAIN, and by SCRAM-SHA-256 to whom
        an administrator has told it; after `REAUTHENTICATION_S` these must show it again. Here
        access control lists count; what none speaks of is open."""
        self.tls_address = f"127.0.0.1:{sealed}"
        """`host:port` with TLS."""
        self.tls_checked_address = f"127.0.0.1:{sealed_checked}"
        """`host:port` with TLS, open to `USER` with `PASSWORD` by SASL's PLAIN."""
        self.certificate = self._root / "certificate.pem"
        """What clients are to trust, with `tls`."""
        listeners = {"PLAIN": plain, "CHECKED": checked}
        if tls:
            listeners |= {"SEALED": sealed, "SEALEDCHECKED": sealed_checked}
        self._has_tls = tls
        urls = ",".join(f"{name}://127.0.0.1:{port}" for name, port in listeners.items())
        settings = {
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"{urls},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": urls,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "true",
            "super.users": "User:ANONYMOUS",
            **_checks("checked", "PLAIN,SCRAM-SHA-256"),
            **_checks("sealedchecked", "PLAIN"),
            "ssl.keystore.type": "PEM",
            **({"ssl.keystore.location": str(self._root / "keys.pem")} if tls else {}),
        }
        options = _STEADY if steady else _QUICK_START
        ports = tuple(listeners.values())
        self._node = KafkaNode(self._root / "node", settings, ports, options)
        self.nodes = [self._node]
        self.address = self._node.address
        """`host:port`, open to everyone."""
        self.data = self._node.data
        """The folder of its topics."""
        self.start, self.stop, self.kill = self._node.start, self._node.stop, self._node.kill

    def _prepare(self) -> None:
        if not self._has_tls:
            return
        key = self._root / "key.pem"
        command = [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(self.certificate)),
        ]
        subprocess.run(command, check=True, capture_output=True)
        (self._root / "keys.pem").write_text(key.read_text() + self.certificate.read_text())


def _checks(listener: str, mechanisms: str) -> dict[str, str]:
    start = f"listener.name.{listener}"
    modules = "org.apache.kafka.common.security"
    login = f'{modules}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
    return {
        f"{start}.sasl.enabled.mechanisms": mechanisms,
        f"{start}.plain.sasl.jaas.config": login,
        f"{start}.scram-sha-256.sasl.jaas.config": f"{modules}.scram.ScramLoginModule required;",
        f"{start}.scram-sha-256.connections.max.reauth.ms": str(1000 * REAUTHENTICATION_S),
    }


class KafkaCluster(_Running):
    """Several brokers, each of which has all topics; two must have a message before it counts."""

    def __init__(self, count: int = 3) -> None:
        """Choose ports and folders.

        Args:
            count: How many brokers there are; the cluster lives while more than half of them do.
        """
        super().__init__()
        ports = _free_ports(2 * count)
        brokers, controllers = ports[:count], ports[count:]
        voters = ",".join(
            f"{number}@127.0.0.1:{port}" for number, port in enumerate(controllers, 1)
        )
        for number, (port, controller) in enumerate(zip(brokers, controllers, strict=True), 1):
            settings = {
                "node.id": str(number),
                "controller.quorum.voters": voters,
                "listeners": f"PLAIN://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
                "advertised.listeners": f"PLAIN://127.0.0.1:{port}",
                "default.replication.factor": str(count),
                "min.insync.replicas": "2",
                "offsets.topic.replication.factor": str(count),
                "transaction.state.log.replication.factor": str(count),
                "transaction.state.log.min.isr": "2",
                "broker.session.timeout.ms": "6000",
                "broker.heartbeat.interval.ms": "1000",
            }
            self.nodes.append(KafkaNode(self._root / str(number), settings, (port,), _SMALL))
        self.addresses = [node.address for node in self.nodes]
        """`host:port` of each, open to everyone."""


def _interrupt(_number: int, _frame: object) -> None:
    # Once: what follows of them must not cut short the removal.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> None:
    """Run one until Ctrl-C or SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    with contextlib.suppress(KeyboardInterrupt), KafkaBroker() as broker:
        print(broker.address, flush=True)
        signal.pause()


if __name__ == "__main__":
    sys.exit(main())
