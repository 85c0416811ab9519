// Starts a coroutine on the I/O thread that nobody waits for.
#pragma once

#include <exception>
#include <utility>

#include "engine/transport/asio.hpp"

namespace cppwax::transport {

// What it throws comes out of the loop of the I/O thread, which ends everything: it is never lost.
inline void spawn(net::io_context& io, Awaitable<void> coroutine) {
  net::co_spawn(io, std::move(coroutine), [](const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
  });
}

}  // namespace cppwax::transport
