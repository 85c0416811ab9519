// Failures as text, from one process of a cluster to the others.
#pragma once

#include <exception>

#include "engine/transport/message.hpp"

namespace cppwax::bindings {

// What the other processes are told. Any thread; says less where Python cannot say more.
transport::Failure told_failure(const std::exception_ptr& error) noexcept;

}  // namespace cppwax::bindings
