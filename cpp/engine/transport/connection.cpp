#include "engine/transport/connection.hpp"

#include <utility>

#include "engine/transport/spawn.hpp"

namespace cppwax::transport {

namespace {

std::string describe_end(const ErrorCode& error) {
  const bool closed = error == net::error::eof || error == net::ssl::error::stream_truncated;
  return closed ? "it closed the connection" : error.message();
}

}  // namespace

Connection::Connection(net::io_context& io, std::unique_ptr<Stream> stream,
                       const Settings& settings, ConnectionEvents& events)
    : io_(io),
      stream_(std::move(stream)),
      settings_(settings),
      events_(events),
      decoder_(settings.seats, settings.max_batch_bytes),
      liveness_(settings.liveness, {}),
      idle_(io) {}

void Connection::start(SteadyTime now) {
  liveness_ = Liveness(settings_.liveness, now);
  spawn(io_, read());
  spawn(io_, write());
}

void Connection::push(Message message) {
  if (!open_ || finishing_ || broken_) return;
  queue_.push(std::move(message));
  if (waiting_) idle_.cancel();
}

void Connection::finish() {
  finishing_ = true;
  idle_.cancel();
}

void Connection::close(const std::string& why) {
  if (!std::exchange(open_, false)) return;
  stream_->close();
  idle_.cancel();
  queue_ = SendQueue();
  events_.on_closed(settings_.seats.peer, why);
}

Awaitable<void> Connection::read() {
  while (open_) {
    const std::span<std::byte> room = decoder_.prepare();
    ErrorCode error;
    const std::size_t size = co_await stream_->read_some(room, error);
    if (error) {
      close(describe_end(error));
      co_return;
    }
    deliver(size);
  }
}

void Connection::deliver(std::size_t size) {
  liveness_.heard();
  const std::optional<WireError> wrong = decoder_.commit(size, messages_);
  for (Message& message : messages_) {
    if (open_) events_.on_message(settings_.seats.peer, std::move(message));
  }
  messages_.clear();
  if (wrong) close(std::string("it sent ") + describe(*wrong));
}

// A failed write does not close: the peer may have said why before it closed, and the reader has
// yet to come to that.
Awaitable<void> Connection::write() {
  while (open_ && !broken_) {
    if (queue_.empty()) {
      if (finishing_) break;
      co_await wait_for_work();
      continue;
    }
    queue_.take(gathered_);
    ErrorCode error;
    co_await stream_->write(gathered_.pieces(), error);
    gathered_.clear();
    broken_ = static_cast<bool>(error);
  }
  queue_ = SendQueue();
  ErrorCode ignored;
  if (open_) stream_->socket().shutdown(Tcp::socket::shutdown_send, ignored);
}

Awaitable<void> Connection::wait_for_work() {
  ErrorCode cancelled;
  idle_.expires_after(settings_.heartbeat_every);
  waiting_ = true;
  co_await idle_.async_wait(into(cancelled));
  waiting_ = false;
  if (!cancelled && queue_.empty() && !finishing_) queue_.push(Heartbeat{});
}

}  // namespace cppwax::transport
