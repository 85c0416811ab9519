"""Whether and where pages are served."""

from __future__ import annotations

import pytest

from cppwax._cluster import Cluster
from cppwax._web.settings import WebSettings, port_of, web_of_environment, yes_or_no

ON = {"CPPWAX_DATAFLOW_API_ENABLED": "1"}


def test_pages_are_served_on_demand_on_this_machine_alone() -> None:
    assert web_of_environment({}) is None
    assert web_of_environment({"CPPWAX_DATAFLOW_API_PORT": "1"}) is None
    assert web_of_environment(ON) == WebSettings("127.0.0.1", 3030, None)


def test_variables_say_where() -> None:
    given = ON | {
        "CPPWAX_DATAFLOW_API_PORT": "8080",
        "CPPWAX_DATAFLOW_API_BIND": "::1",
        "CPPWAX_DATAFLOW_API_CACHE_PATH": "/tmp",
    }
    assert web_of_environment(given) == WebSettings("::1", 8080, "/tmp")


@pytest.mark.parametrize("text", ["1", "true", "YES", "on", " t "])
def test_yes(text: str) -> None:
    assert yes_or_no(text)


@pytest.mark.parametrize("text", ["0", "false", "No", "off", ""])
def test_no(text: str) -> None:
    assert not yes_or_no(text)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("CPPWAX_DATAFLOW_API_ENABLED", "maybe", "neither yes nor no"),
        ("CPPWAX_DATAFLOW_API_PORT", "x", "not a port"),
        ("CPPWAX_DATAFLOW_API_PORT", "-1", "not a port"),
        ("CPPWAX_DATAFLOW_API_PORT", "65536", "up to 65535"),
        ("CPPWAX_DATAFLOW_API_PORT", "¹", "not a port"),
    ],
)
def test_what_makes_no_sense_is_named(name: str, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: .*{said}"):
        web_of_environment(ON | {name: text})


def test_ports_are_numbers() -> None:
    assert [port_of(text) for text in ("0", "80", "65535")] == [0, 80, 65535]


@pytest.mark.parametrize(
    ("addresses", "ports"),
    [
        (["one:2101", "two:2101", "three:2101"], [3030, 3030, 3030]),
        (["localhost:2101", "localhost:2102", "localhost:2103"], [3030, 3031, 3032]),
        (["a:1", "b:1", "a:2", "b:2"], [3030, 3030, 3031, 3031]),
        (["[::1]:1", "[::1]:2"], [3030, 3031]),
    ],
)
def test_processes_of_one_host_have_ports_of_their_own(
    addresses: list[str], ports: list[int]
) -> None:
    clusters = [Cluster(addresses, n) for n in range(len(addresses))]
    assert [WebSettings().of_process(cluster).port for cluster in clusters] == ports
    assert {WebSettings(port=0).of_process(cluster).port for cluster in clusters} == {0}


def test_a_single_process_has_the_port_itself() -> None:
    assert WebSettings().of_process(None) == WebSettings()


def test_neighbours_are_the_others_of_the_same_host() -> None:
    addresses = ["one:1", "two:1", "one:2", "one:3"]
    assert WebSettings(port=80).neighbours(Cluster(addresses, 2)) == [(0, 80), (3, 82)]
    assert WebSettings(port=80).neighbours(Cluster(addresses, 1)) == []
    assert WebSettings(port=0).neighbours(Cluster(addresses, 0)) == []
