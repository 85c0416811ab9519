// What one step knows of the epochs that may still come to it: the least over all senders of all
// of its inputs, and how the inputs ended (docs/progress_and_snapshots.md P1, P2).
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/data/message.hpp"

namespace cppwax::progress {

// Belongs to one worker. Invariants: (1) a sender's frontier never goes back; (2) after its end a
// sender says nothing more; (3) `least()` never goes back.
class InputFrontier {
 public:
  // `sender_count` senders over all inputs, all at `first`.
  InputFrontier(std::size_t sender_count, Epoch first);

  // REQUIRES: the sender has not ended; an earlier frontier is a bug of the sender.
  void advance(std::size_t sender, Epoch epoch);
  void end(std::size_t sender, data::End end);

  // Whether a batch of this epoch is one that the sender may still send.
  bool allows(std::size_t sender, Epoch epoch) const;

  // The least epoch of which items may still come; nullopt when all senders have ended.
  std::optional<Epoch> least() const;

  // How the inputs ended, once all have: the greatest of their epochs, Stopped if any sender
  // stopped. A step without senders has ended as Eof in `first`.
  std::optional<data::End> ended() const;

 private:
  struct Sender {
    Epoch frontier;
    std::optional<data::End> end;
  };
  std::vector<Sender> senders_;
  std::size_t open_;
  Epoch first_;
  Epoch least_;

  void recompute();
};

}  // namespace cppwax::progress
