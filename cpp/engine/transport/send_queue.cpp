#include "engine/transport/send_queue.hpp"

#include <algorithm>
#include <type_traits>

namespace cppwax::transport {

namespace {

// Copying so little is cheaper than one more piece for the system to gather.
constexpr std::size_t kCopyBytes = 4 * 1024;

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

}  // namespace

void Gathered::append(std::shared_ptr<const std::byte> owner, std::size_t size) {
  if (size <= kCopyBytes) {
    copied_.insert(copied_.end(), owner.get(), owner.get() + size);
    return;
  }
  referred_ += size;
  references_.push_back({copied_.size(), std::move(owner), size});
}

void Gathered::clear() {
  copied_.clear();
  references_.clear();
  pieces_.clear();
  referred_ = 0;
}

const std::vector<std::span<const std::byte>>& Gathered::pieces() {
  pieces_.clear();
  std::size_t at = 0;
  const std::span<const std::byte> copied(copied_);
  for (const Reference& reference : references_) {
    if (reference.behind > at) pieces_.push_back(copied.subspan(at, reference.behind - at));
    at = reference.behind;
    pieces_.emplace_back(reference.owner.get(), reference.size);
  }
  if (copied.size() > at) pieces_.push_back(copied.subspan(at));
  return pieces_;
}

SendQueue::Waiting::Waiting(BatchMessage message)
    : batch(std::move(message)), left(data::total_size(batch.buffers)) {}

void SendQueue::push(Message message) {
  std::visit(
      Overloaded{
          [&](BatchMessage&& batch) {
            const Lane lane = batch.lane;
            push_to_lane(lane, Waiting(std::move(batch)));
          },
          [&](FrontierMessage&& frontier) { push_to_lane(frontier.lane, frontier); },
          [&](EndMessage&& end) { push_to_lane(end.lane, end); },
          [&](CreditMessage&& credit) { credit_[{credit.lane, credit.epoch}] += credit.amount; },
          [&](Done&&) { done_ = true; },
          [&](auto&& other) { urgent_.push_back(std::move(other)); },
      },
      std::move(message));
}

void SendQueue::push_to_lane(const Lane& lane, LaneItem item) {
  LaneQueue& queue = lanes_[lane];
  if (queue.empty()) turns_.push_back(lane);
  const bool replaces = !std::holds_alternative<Waiting>(item) && !queue.empty() &&
                        std::holds_alternative<FrontierMessage>(queue.back());
  if (replaces) queue.pop_back();
  queue.push_back(std::move(item));
}

bool SendQueue::empty() const {
  return urgent_.empty() && credit_.empty() && turns_.empty() && !done_;
}

void SendQueue::take(Gathered& out) {
  take_urgent(out);
  while (!turns_.empty() && out.size() < kGatherBytes) take_turn(out);
  if (turns_.empty() && done_) {
    write_frame(out.copied(), Done{});
    done_ = false;
  }
}

// Without a limit of its own: there is little of it, and it must not wait.
void SendQueue::take_urgent(Gathered& out) {
  for (const Message& message : urgent_) write_frame(out.copied(), message);
  urgent_.clear();
  for (const auto& [where, amount] : credit_) {
    write_frame(out.copied(), CreditMessage{where.first, where.second, amount});
  }
  credit_.clear();
}

// As many small messages as a fragment holds, or one fragment.
void SendQueue::take_turn(Gathered& out) {
  const Lane lane = turns_.front();
  turns_.pop_front();
  const auto found = lanes_.find(lane);
  LaneQueue& queue = found->second;
  const std::size_t end = out.size() + kFragmentBytes;
  bool whole = true;
  while (whole && !queue.empty() && out.size() < end) {
    LaneItem& item = queue.front();
    if (auto* waiting = std::get_if<Waiting>(&item)) {
      whole = write(out, *waiting);
    } else if (const auto* frontier = std::get_if<FrontierMessage>(&item)) {
      write_frame(out.copied(), *frontier);
    } else {
      write_frame(out.copied(), std::get<EndMessage>(item));
    }
    if (whole) queue.pop_front();
  }
  if (queue.empty()) {
    lanes_.erase(found);
  } else {
    turns_.push_back(lane);
  }
}

// One frame: the batch's first, with its head, or a fragment.
bool SendQueue::write(Gathered& out, Waiting& waiting) {
  BatchMessage& batch = waiting.batch;
  std::size_t size =
      static_cast<std::size_t>(std::min<std::uint64_t>(waiting.left, kFragmentBytes));
  WireWriter writer(out.copied());
  if (!waiting.begun) {
    const auto count = static_cast<std::uint32_t>(batch.buffers.size());
    const std::size_t body = BatchHead::kBytes + count * BatchHead::kBufferBytes + size;
    FrameHeader{FrameType::kBatch, static_cast<std::uint32_t>(body)}.write(out.copied());
    write_batch_head(writer, {batch.lane, batch.epoch, batch.amount, count});
    for (const data::Buffer& buffer : batch.buffers) {
      writer.number(static_cast<std::uint64_t>(buffer.size));
      writer.number(static_cast<std::uint8_t>(buffer.writable));
    }
    waiting.begun = true;
  } else {
    FrameHeader{FrameType::kFragment, static_cast<std::uint32_t>(12 + size)}.write(out.copied());
    write_lane(writer, batch.lane);
  }
  waiting.left -= size;
  while (size > 0) {
    data::Buffer& buffer = batch.buffers[waiting.buffer];
    const std::size_t piece = std::min(size, buffer.size - waiting.offset);
    std::shared_ptr<const std::byte> at(buffer.data, buffer.data.get() + waiting.offset);
    size -= piece;
    waiting.offset += piece;
    if (waiting.offset == buffer.size) {
      buffer.data.reset();
      ++waiting.buffer;
      waiting.offset = 0;
    }
    if (piece > 0) out.append(std::move(at), piece);
  }
  return waiting.left == 0;
}

}  // namespace cppwax::transport
