// From the description of a cluster in Python (cppwax._cluster.Cluster) to the engine's.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>

#include "engine/graph/plan.hpp"
#include "engine/transport/cluster.hpp"

namespace cppwax::bindings {

// Errors: pybind11::error_already_set and the like for an attribute that is missing or of the wrong
// type: only the package makes such objects.
transport::ClusterSettings cluster_settings(const pybind11::object& cluster,
                                            std::uint32_t worker_count, const graph::Plan& plan);

}  // namespace cppwax::bindings
