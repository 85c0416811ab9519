// One peer that has joined: a reader and a writer coroutine over its socket.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/transport/asio.hpp"
#include "engine/transport/frame_decoder.hpp"
#include "engine/transport/liveness.hpp"
#include "engine/transport/send_queue.hpp"
#include "engine/transport/stream.hpp"

namespace cppwax::transport {

// What a connection tells. On the I/O thread.
class ConnectionEvents {
 public:
  virtual ~ConnectionEvents() = default;
  virtual void on_message(ProcessIndex from, Message message) = 0;
  // Once. `why`: a clause about the peer.
  virtual void on_closed(ProcessIndex peer, const std::string& why) = 0;
};

// Used by the I/O thread. Invariants: (1) what has been pushed is written in the order of SendQueue
// until the connection closes; (2) a heartbeat goes only when nothing else has for
// `heartbeat_every`; (3) it reads always, so that memory is bounded by credit and not by sockets.
class Connection {
 public:
  struct Settings {
    Seats seats;
    std::uint64_t max_batch_bytes;
    Duration heartbeat_every;
    Liveness::Limits liveness;
  };

  // `events` outlives it, and it outlives its coroutines.
  Connection(net::io_context& io, std::unique_ptr<Stream> stream, const Settings& settings,
             ConnectionEvents& events);

  void start(SteadyTime now);
  void push(Message message);
  // Writes what is there, then says that nothing follows; the peer's answer to that closes it.
  void finish();
  // At once; tells why.
  void close(const std::string& why);

  bool open() const { return open_; }
  Liveness& liveness() { return liveness_; }

 private:
  Awaitable<void> read();
  Awaitable<void> write();
  Awaitable<void> wait_for_work();
  void deliver(std::size_t size);

  net::io_context& io_;
  const std::unique_ptr<Stream> stream_;
  const Settings settings_;
  ConnectionEvents& events_;
  SendQueue queue_;
  Gathered gathered_;
  FrameDecoder decoder_;
  std::vector<Message> messages_;
  Liveness liveness_;
  net::steady_timer idle_;
  bool waiting_ = false;
  bool finishing_ = false;
  bool broken_ = false;  // nothing can be written any more
  bool open_ = true;
};

}  // namespace cppwax::transport
