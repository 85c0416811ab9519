// The connections between the processes of a simulated cluster: bytes as the production classes
// write and read them, on their way for as long as a seed decides. A connection can be cut, and
// what a killed process has under way is lost from some byte on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/transport/frame_decoder.hpp"
#include "engine/transport/send_queue.hpp"
#include "simulation/random.hpp"
#include "support/fake_clock.hpp"

namespace cppwax::simulation {

// Belongs to one thread. The clock and the random numbers outlive it.
class SimNetwork {
 public:
  struct Shape {
    std::uint32_t processes = 2;
    std::uint32_t workers_per_process = 1;
    std::uint32_t channels = 0;
    std::uint32_t steps = 0;
  };

  SimNetwork(const Shape& shape, Random& random, const test::FakeClock& clock)
      : shape_(shape), random_(random), clock_(clock) {
    using namespace std::chrono_literals;
    const auto slowest = random.one_of<Duration>({0ms, 1ms, 20ms, 200ms});
    for (std::uint32_t to = 0; to < shape.processes; ++to) {
      for (std::uint32_t from = 0; from < shape.processes; ++from) {
        if (from == to) continue;
        const transport::Seats seats{ProcessIndex(to), ProcessIndex(from),
                                     shape.workers_per_process, shape.channels, shape.steps};
        const Duration most = random.chance(50) ? slowest : slowest / 10;
        ends_.emplace(std::pair(to, from), std::make_unique<End>(seats, most));
      }
    }
  }

  std::uint32_t processes() const { return shape_.processes; }

  // --- what a process does with its end of the connection to a peer ---

  bool open(ProcessIndex own, ProcessIndex peer) { return end(own, peer).open; }
  void push(ProcessIndex own, ProcessIndex peer, transport::Message message) {
    End& mine = end(own, peer);
    if (mine.open && !mine.finishing) mine.queue.push(std::move(message));
  }
  bool has_to_write(ProcessIndex own, ProcessIndex peer) {
    const End& mine = end(own, peer);
    return mine.open && (!mine.queue.empty() || (mine.finishing && !mine.said_end));
  }
  // What goes next; the end behind everything, if it finishes.
  void write(ProcessIndex own, ProcessIndex peer) {
    End& mine = end(own, peer);
    if (!has_to_write(own, peer)) return;
    if (mine.queue.empty()) {
      mine.said_end = true;
      return fly(own, peer, {}, true);
    }
    transport::Gathered gathered;
    mine.queue.take(gathered);
    transport::WireBytes bytes;
    for (const std::span<const std::byte> piece : gathered.pieces()) {
      bytes.insert(bytes.end(), piece.begin(), piece.end());
    }
    fly(own, peer, std::move(bytes), false);
  }
  // When the next bytes, or the end, are there.
  std::optional<SteadyTime> arrival(ProcessIndex own, ProcessIndex peer) {
    const End& mine = end(own, peer);
    if (!mine.open || mine.flying.empty()) return std::nullopt;
    return mine.flying.front().due;
  }

  struct Arrived {
    std::vector<transport::Message> messages;
    bool end = false;
  };
  // REQUIRES: `arrival` has passed.
  Arrived read(ProcessIndex own, ProcessIndex peer) {
    End& mine = end(own, peer);
    const Piece piece = std::move(mine.flying.front());
    mine.flying.pop_front();
    Arrived arrived{{}, piece.end};
    std::span<const std::byte> left = piece.bytes;
    while (!left.empty()) {
      const std::span<std::byte> room = mine.decoder.prepare();
      const std::size_t size = random_.between(1, std::min(room.size(), left.size()));
      std::copy_n(left.begin(), size, room.begin());
      left = left.subspan(size);
      const auto wrong = mine.decoder.commit(size, arrived.messages);
      ENGINE_ASSERT(!wrong, transport::describe(*wrong));
    }
    return arrived;
  }

  // Writes what is there, then says that nothing follows.
  void finish(ProcessIndex own, ProcessIndex peer) { end(own, peer).finishing = true; }
  // At once: what waits is not written. What is on its way still arrives, unless bytes come in
  // vain.
  void close(ProcessIndex own, ProcessIndex peer) {
    End& mine = end(own, peer);
    if (!std::exchange(mine.open, false)) return;
    const bool in_vain = !mine.flying.empty() && !mine.flying.front().bytes.empty();
    if (in_vain) lose(peer, own);
    if (!mine.said_end) fly(own, peer, {}, true);
    mine.queue = transport::SendQueue();
    mine.flying.clear();
  }

  // --- what happens to it ---

  void kill(ProcessIndex victim) {
    for (std::uint32_t p = 0; p < shape_.processes; ++p) {
      const ProcessIndex peer(p);
      if (peer == victim) continue;
      End& mine = end(victim, peer);
      if (!std::exchange(mine.open, false)) continue;
      lose(peer, victim);
      fly(victim, peer, {}, true);
    }
  }
  void cut(ProcessIndex one, ProcessIndex other) {
    for (const auto& [own, peer] : {std::pair(one, other), std::pair(other, one)}) {
      lose(own, peer);
      fly(peer, own, {}, true);
    }
  }

 private:
  struct Piece {
    SteadyTime due;
    transport::WireBytes bytes;
    bool end;
  };
  // Of one process, to one peer; with what comes to it.
  struct End {
    End(const transport::Seats& seats, Duration most)
        : most_delay(most), decoder(seats, std::uint64_t{1} << 30) {}

    const Duration most_delay;
    transport::SendQueue queue;
    transport::FrameDecoder decoder;
    std::deque<Piece> flying;
    SteadyTime last{};
    bool open = true;
    bool finishing = false;
    bool said_end = false;
  };

  End& end(ProcessIndex own, ProcessIndex peer) { return *ends_.at({own.value(), peer.value()}); }

  void fly(ProcessIndex from, ProcessIndex to, transport::WireBytes bytes, bool is_end) {
    End& theirs = end(to, from);
    if (!theirs.open) return;
    const auto most = static_cast<std::size_t>(theirs.most_delay.count());
    theirs.last = std::max(theirs.last, clock_.steady() + Duration(random_.below(most + 1)));
    theirs.flying.push_back({theirs.last, std::move(bytes), is_end});
  }

  // Of what flies to `own` a part, at the end of it.
  void lose(ProcessIndex own, ProcessIndex peer) {
    auto& flying = end(own, peer).flying;
    const std::size_t left = random_.below(flying.size() + 1);
    if (left < flying.size()) {
      transport::WireBytes torn = std::move(flying[left].bytes);
      torn.resize(random_.below(torn.size() + 1));
      flying.resize(left);
      flying.push_back({clock_.steady(), std::move(torn), false});
    }
  }

  const Shape shape_;
  Random& random_;
  const test::FakeClock& clock_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::unique_ptr<End>> ends_;
};

}  // namespace cppwax::simulation
