// The one place that includes Asio, standalone or of Boost: `net` is either. Only .cpp files of
// this folder and the few headers that they share include it.
#pragma once

// Before Asio, which chooses how it allocates by what the standard library has said of itself:
// files that differ in that would free by one way what another has taken.
#include <cstddef>

#ifdef CPPWAX_BOOST_ASIO
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
namespace cppwax::transport {
namespace net = boost::asio;
using ErrorCode = boost::system::error_code;
}  // namespace cppwax::transport
#else
#include <asio.hpp>
#include <asio/ssl.hpp>
namespace cppwax::transport {
namespace net = asio;
using ErrorCode = asio::error_code;
}  // namespace cppwax::transport
#endif

namespace cppwax::transport {

using Tcp = net::ip::tcp;

// A coroutine that is awaited where it is called takes references, and to named objects: GCC 12
// destroys temporaries of an expression with co_await twice, or at another place than it made them.
// One that is spawned takes values.
template <class T>
using Awaitable = net::awaitable<T>;

// Completes a coroutine's wait with an error code instead of an exception.
inline auto into(ErrorCode& error) {
  return net::redirect_error(net::use_awaitable, error);
}

}  // namespace cppwax::transport
