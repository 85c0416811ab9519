// What a process of a cluster does about ends: failures, losses, stops and leaving, of its own and
// of its peers (docs/progress_and_snapshots.md P17, P18, P20). Pure: told what came and what time
// it is; tells what to send. Knows no socket and no thread, so that the simulation can drive it.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/clock.hpp"
#include "engine/transport/failure_round.hpp"
#include "engine/transport/leaving.hpp"
#include "engine/transport/message.hpp"

namespace cppwax::transport {

enum class LeaveEnd {
  kDone,       // everybody is
  kFailed,     // a failure was told: `settle` gives it
  kLost,       // told by on_lost
  kAbandoned,  // told by on_abandoned
  kInterrupted,
};

// What ends come to, for whoever carries it out.
class EndsEvents {
 public:
  virtual ~EndsEvents() = default;
  // Sends to all peers that are there.
  virtual void tell_all(const Message& message) = 0;
  // The first failure comes from a peer: steps must stop.
  virtual void on_first_failure(const Failure& failure) = 0;
  // A failure was told, here or by a peer: `update` has to be called once more at this time.
  virtual void on_round(SteadyTime deadline) = 0;
};

// Belongs to one thread.
class Ends {
 public:
  // What has come about; nothing of it is ever taken back.
  struct Facts {
    bool failed = false;   // a failure was told, here or by a peer
    bool settled = false;  // and all know of it
    bool lost = false;
    bool abandoned = false;
    bool over = false;       // everybody is done
    FailureOutcome outcome;  // once settled
  };

  // `events` outlives it.
  Ends(ProcessIndex own, std::uint32_t process_count, Duration failure_wait, EndsEvents& events)
      : own_(own),
        round_(own, process_count, failure_wait),
        leaving_(own, process_count),
        events_(events) {}

  // Our own. Of no effect after the first failure, sent or received.
  void fail(Failure failure, SteadyTime now);
  void on_failure(Failure failure, SteadyTime now);
  void on_ack(ProcessIndex from) {
    round_.on_ack(from);
    leaving_.on_ack(from);
  }
  void on_done(ProcessIndex from) { leaving_.on_done(from); }
  void note_stop() { leaving_.note_stop(); }
  // It is not there to acknowledge.
  void without(ProcessIndex peer) { round_.on_closed(peer); }
  // Nobody can be heard any more.
  void note_loss() { facts_.lost = true; }
  // Everything is done here.
  void leave();

  // A connection has closed. What it means; kLeft too where a failure explains it (P18).
  Leaving::Close on_closed(ProcessIndex peer);

  // REQUIRES: called after each of the others, and when `on_round` said.
  const Facts& update(SteadyTime now);

  // What leaving comes to; nothing: it goes on.
  static std::optional<LeaveEnd> leave_end(const Facts& facts);

 private:
  void begin_round();

  const ProcessIndex own_;
  FailureRound round_;
  Leaving leaving_;
  EndsEvents& events_;
  Facts facts_;
};

}  // namespace cppwax::transport
