#include "bindings/cluster_settings.hpp"

#include <pybind11/chrono.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace cppwax::bindings {

namespace py = pybind11;

namespace {

template <class T>
T attribute(const py::object& cluster, const char* name) {
  return cluster.attr(name).cast<T>();
}

transport::Security security_of(const py::object& cluster) {
  if (const auto secret = attribute<std::optional<std::string>>(cluster, "secret")) {
    return transport::SharedSecret{*secret};
  }
  if (const auto certificate = attribute<std::optional<std::string>>(cluster, "tls_cert")) {
    return transport::Certificates{*certificate, attribute<std::string>(cluster, "tls_key"),
                                   attribute<std::string>(cluster, "tls_ca")};
  }
  return transport::ListedAddresses{};
}

}  // namespace

transport::ClusterSettings cluster_settings(const py::object& cluster, std::uint32_t worker_count,
                                            const graph::Plan& plan) {
  transport::ClusterSettings settings;
  settings.process = ProcessIndex(attribute<std::uint32_t>(cluster, "process_id"));
  settings.addresses = attribute<std::vector<std::string>>(cluster, "addresses");
  settings.bind = attribute<std::optional<std::string>>(cluster, "bind");
  settings.security = security_of(cluster);
  settings.max_batch_bytes = attribute<std::uint64_t>(cluster, "max_batch_bytes");
  settings.timing.connect_timeout = attribute<Duration>(cluster, "connect_timeout");
  settings.timing.peer_timeout = attribute<Duration>(cluster, "peer_timeout");
  settings.timing.warn_after =
      std::min(settings.timing.warn_after, settings.timing.peer_timeout / 2);
  settings.channel_count = static_cast<std::uint32_t>(plan.channels().size());
  settings.step_count = static_cast<std::uint32_t>(plan.steps().size());
  settings.facts.cppwax_version =
      py::module_::import("cppwax").attr("__version__").cast<std::string>();
  settings.facts.python_version =
      std::to_string(PY_MAJOR_VERSION) + "." + std::to_string(PY_MINOR_VERSION);
  settings.facts.workers_per_process = worker_count;
  settings.facts.flow_id = plan.flow_id();
  return settings;
}

}  // namespace cppwax::bindings
